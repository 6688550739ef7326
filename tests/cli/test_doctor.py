from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version

import pytest

from kerasbert import doctor, plugins
from kerasbert.native.session import NativeError


def test_this_machine_is_well(kerasbert):
    result = kerasbert("doctor")
    assert result.exit_code == 0, result.output
    assert "FAILED" not in result.stdout
    for word in (version("tensorflow"), "native", "task", "sentiment", "kerasbert-tiny-zh", "devices"):
        assert word in result.stdout
    assert result.stderr == ""


def test_a_broken_plugin_is_found(kerasbert, monkeypatch):
    gone = EntryPoint("gone", "kerasbert_gone:Gone", "kerasbert.tasks")
    found = {"kerasbert.tasks": [gone], "kerasbert.backbones": []}
    monkeypatch.setattr(plugins, "entry_points", lambda group: [*entry_points(group=group), *found[group]])
    result = kerasbert("doctor")
    assert result.exit_code == 1
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("FAILED")]
    assert "gone" in line


def test_a_native_loader_that_does_not_load_is_found(kerasbert, monkeypatch):
    def fails():
        raise NativeError("TensorFlow's C library cannot be loaded: no such file")

    monkeypatch.setattr(doctor, "library_version", fails)
    result = kerasbert("doctor")
    assert result.exit_code == 1
    assert "FAILED native" in result.stdout


@pytest.mark.parametrize("package", ["tensorflow-serving-api", "keras-nlp"])
def test_a_missing_package_is_found(kerasbert, monkeypatch, package):
    def look(name):
        if name == package:
            raise PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(doctor, "version", look)
    result = kerasbert("doctor")
    assert result.exit_code == 1
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("FAILED")]
    assert package in line
