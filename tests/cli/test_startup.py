import os
import subprocess
import sys

import pytest

from kerasbert.cli.startup import quiet_import


def test_what_c_code_writes_is_held_back(capfd):
    with quiet_import():
        os.write(2, b"noise of a library\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_what_was_held_back_is_shown_where_the_import_fails(capfd, monkeypatch):
    shown = []
    monkeypatch.setattr(sys.stderr, "write", shown.append, raising=False)
    with pytest.raises(ZeroDivisionError), quiet_import():
        assert os.write(2, b"libfoo.so: not found\n") / 0
    assert "".join(shown) + capfd.readouterr().err == "libfoo.so: not found\n"


def test_the_users_own_log_level_wins(monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    with quiet_import():
        assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"


def test_no_file_descriptor_is_lost():
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for _ in range(5):
        with quiet_import():
            pass
    after = len(os.listdir("/proc/self/fd")) if before else 0
    assert after == before


def test_it_works_with_stderr_closed():
    code = "from kerasbert.cli.startup import quiet_import\nwith quiet_import(): print('imported')"
    command = f'exec "{sys.executable}" -c "$0" 2>&-'
    done = subprocess.run(["sh", "-c", command, code], stdout=subprocess.PIPE, check=False)
    assert (done.returncode, done.stdout) == (0, b"imported\n")
