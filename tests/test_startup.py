import os
import subprocess
import sys

import pytest

from kerasbert.startup import quiet_import


@pytest.fixture(autouse=True)
def _tensorflow_is_not_imported_yet(monkeypatch):
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)


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
    code = "from kerasbert.startup import quiet_import\nwith quiet_import(): print('imported')"
    command = f'exec "{sys.executable}" -c "$0" 2>&-'
    done = subprocess.run(["sh", "-c", command, code], stdout=subprocess.PIPE, check=False)
    assert (done.returncode, done.stdout) == (0, b"imported\n")


def test_whoever_imported_tensorflow_has_chosen(capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", object())
    with quiet_import():
        os.write(2, b"seen\n")
    assert capfd.readouterr().err == "seen\n"


@pytest.mark.slow
@pytest.mark.process
def test_a_script_is_quiet():
    code = "import kerasbert; kerasbert.train; import tensorflow as tf; tf.config.list_physical_devices()"
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


HIDDEN = """
import sys
from kerasbert.startup import import_keras_for_a_command, quiet_import
with quiet_import():
    import_keras_for_a_command()
import keras, sklearn, pandas, matplotlib
print(keras.__name__, sklearn.__name__, pandas.__name__, matplotlib.__name__)
"""


@pytest.mark.process
def test_what_keras_did_not_find_can_be_imported_later():
    result = subprocess.run([sys.executable, "-c", HIDDEN], capture_output=True, text=True, timeout=120)
    assert result.stdout == "keras sklearn pandas matplotlib\n", result.stderr
