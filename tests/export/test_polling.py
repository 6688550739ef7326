"""A server that polls the directory while versions come and go."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kerasbert.deployment import Memory, prune
from kerasbert.export import NativeModel, export_model, publish
from kerasbert.layout import version_folders

PUBLISHES, POLLS = 200, 1000

# As TensorFlow Serving's file system source: names that are whole numbers, the highest wins; every other
# time another one, as a server does that is told to serve more. Each file of what it finds is read and
# compared. A version that was removed meanwhile must be gone as a whole.
POLLER = """
import hashlib, json, random, sys
from pathlib import Path

base, stop, wanted, polls = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]), int(sys.argv[4])
seen, vanished, broken = [], 0, []
print("ready", flush=True)
while len(seen) + vanished + len(broken) < polls or not stop.exists():
    versions = [int(path.name) for path in base.iterdir() if path.name.isdigit()]
    if not versions:
        continue
    number = random.choice(versions) if len(seen) % 2 else max(versions)
    folder = base / str(number)
    try:
        found = {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*") if path.is_file()
        }
    except FileNotFoundError:
        found = {}
    if found == wanted:
        seen.append(number)
    elif not folder.exists():
        vanished += 1
    else:
        broken.append([folder.name, sorted(found)])
print(json.dumps({"seen": seen, "vanished": vanished, "broken": broken}))
"""


@pytest.fixture
def copying(exported, trained, monkeypatch, no_wait):
    """`export_model` with a copy of an exported model in place of writing and verifying one."""

    class Run:
        def __init__(self, path):
            pass

        def load(self):
            return trained.classifier

    monkeypatch.setattr(publish, "RunDirectory", Run)
    monkeypatch.setattr(publish, "_write", lambda *arguments: shutil.copytree(exported.path, arguments[-1]))
    monkeypatch.setattr(publish, "verify", lambda *_: Memory(1, 2))
    return exported.path


def checksums(version: Path) -> dict[str, str]:
    return {
        str(path.relative_to(version)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in version.rglob("*")
        if path.is_file()
    }


@pytest.mark.slow
def test_a_poller_never_sees_a_part_of_a_version(copying, tmp_path, strings):
    base, stop = tmp_path / "model", tmp_path / "stop"
    base.mkdir()
    arguments = [str(base), str(stop), json.dumps(checksums(copying)), str(POLLS)]
    poller = subprocess.Popen([sys.executable, "-c", POLLER, *arguments], stdout=subprocess.PIPE, text=True)
    answers = []
    try:
        assert poller.stdout.readline() == "ready\n"
        for count in range(1, PUBLISHES + 1):
            newest = export_model("run", base, keep=5).path
            if count % 10 == 0:
                prune(base, 2)
            if count % 50 == 0:  # what a server does with it
                answers += NativeModel(newest).run([("serving_default", {"text": strings(["手机很好"])})])
        stop.touch()
        output, _ = poller.communicate(timeout=300)
    finally:
        poller.kill()
        poller.wait()
    result = json.loads(output)
    assert result["broken"] == []
    assert len(result["seen"]) > max(0.5 * POLLS, result["vanished"])
    assert len(set(result["seen"])) > PUBLISHES / 4
    assert max(version_folders(base)) == PUBLISHES
    assert len(version_folders(base)) <= 7  # the newest, stable and canary
    assert [answer["label"].tolist() for answer in answers] == [answers[0]["label"].tolist()] * 4
