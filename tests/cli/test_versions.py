import json
import subprocess
import sys

import pytest
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from kerasbert.deployment import changing

pytestmark = pytest.mark.usefixtures("no_wait")


@pytest.fixture
def model(tmp_path):
    """Three versions: stable, canary, and one that waits."""
    path = tmp_path / "model"
    for number in (1, 2, 3):
        (path / str(number)).mkdir(parents=True)
        (path / str(number) / "saved_model.pb").write_bytes(b"x" * 1_500_000)
        with changing(path) as served:
            served.publish(number, number - 1 or None)
    return path


def labels(model):
    text = (model / "serving" / "models.config").read_text(encoding="utf-8")
    return dict(text_format.Parse(text, ModelServerConfig()).model_config_list.config[0].version_labels)


def test_the_list(kerasbert, model):
    result = kerasbert("versions", "list", model)
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["1", "1.5", "MB", "served", "stable"],
        ["2", "1.5", "MB", "served", "canary"],
        ["3", "1.5", "MB", "served"],
    ]


def test_the_list_as_json(kerasbert, model):
    found = json.loads(kerasbert("versions", "list", model, "--json").stdout)
    assert found[1] == {"number": 2, "labels": ["canary"], "served": True, "size": 1_500_000}


def test_promoting_and_rolling_back(kerasbert, model):
    result = kerasbert("versions", "label", model, "stable", 2)
    assert (result.exit_code, result.stdout) == (0, "previous: version 1\nstable: version 2\n")
    result = kerasbert("versions", "rollback", model)
    assert (result.exit_code, result.stdout) == (0, "previous: version 2\nstable: version 1\n")
    assert labels(model) == {"previous": 2, "stable": 1}


def test_leading_zeros_are_no_part_of_a_version(kerasbert, model):
    (model / "2").rename(model / "00000002")
    result = kerasbert("versions", "label", model, "stable", "00000002")
    assert (result.exit_code, result.stdout) == (0, "previous: version 1\nstable: version 2\n")
    assert "MISSING" not in kerasbert("versions", "list", model).stdout


def test_removing_a_label(kerasbert, model):
    assert kerasbert("versions", "unlabel", model, "canary").stdout == "stable: version 1\n"
    assert labels(model) == {"stable": 1}


def test_pruning(kerasbert, model):
    (model / "0").mkdir()
    result = kerasbert("versions", "prune", model, "--keep", 1)
    assert (result.exit_code, result.stdout) == (0, "Removed version 0.\n")
    assert kerasbert("versions", "prune", model, "--keep", 0).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["label", "stable", 7], "7: there is no such version"),
        (["label", "stable", 2**64], "18446744073709551616: there is no such version"),
        (["label", "a/b", 1], "label: must be letters"),
        (["unlabel", "stable"], "Move it instead"),
        (["unlabel", "mine"], "there is no such label. Labels: canary, stable."),
        (["rollback"], "no other version was stable before"),
    ],
)
def test_what_cannot_be_is_refused(refused, model, arguments, message):
    command, *rest = arguments
    assert message in refused("versions", command, model, *rest)
    assert labels(model) == {"stable": 1, "canary": 2}


@pytest.mark.parametrize(
    "arguments", [["list"], ["label", "x", 1], ["unlabel", "x"], ["rollback"], ["prune", "--keep", 1]]
)
def test_a_directory_without_versions_is_refused(refused, tmp_path, arguments):
    command, *rest = arguments
    assert "typo: holds no version" in refused("versions", command, tmp_path / "typo", *rest)


@pytest.mark.parametrize("arguments", [["list"], ["prune", "--keep", "3"]])
def test_no_command_waits_for_tensorflow(model, arguments):
    code = (
        "import sys; from kerasbert.cli import main; main(sys.argv[1:], standalone_mode=False);"
        "assert 'tensorflow' not in sys.modules"
    )
    command = [sys.executable, "-c", code, "versions", arguments[0], str(model), *arguments[1:]]
    subprocess.run(command, check=True, capture_output=True, timeout=100)
