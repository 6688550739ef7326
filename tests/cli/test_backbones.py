"""kerasbert backbones list, kerasbert checkpoint list."""

import json
import subprocess
import sys

GROUP = "kerasbert.backbones"
FACTS = {"name", "distribution", "version", "parameters", "language", "license", "directory", "error"}


def test_installed_encoders_are_listed(kerasbert, install):
    install("encoder_gone", "", GROUP, gone="encoder_gone:F")
    result = kerasbert("backbones", "list")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert any(line.startswith("kerasbert-tiny-zh") and "3.7 M, zh, apache-2.0" in line for line in lines)
    assert any(line.startswith("gone") and "BROKEN: AttributeError" in line for line in lines)
    entries = {entry["name"]: entry for entry in json.loads(kerasbert("backbones", "list", "--json").stdout)}
    assert all(set(entry) == FACTS for entry in entries.values())
    assert entries["kerasbert-tiny-zh"]["error"] is None
    assert entries["gone"]["parameters"] is None


def test_encoders_to_start_from_are_listed(kerasbert):
    result = kerasbert("checkpoint", "list", "--language", "multilingual")
    assert result.exit_code == 0
    assert "hf://intfloat/multilingual-e5-small" in result.stdout
    assert "bert-base-chinese" not in result.stdout
    everything = json.loads(kerasbert("checkpoint", "list", "--json").stdout)
    assert {entry["language"] for entry in everything} == {"zh", "en", "multilingual"}
    assert everything[0]["source"] == "kerasbert-tiny-zh"
    assert kerasbert("checkpoint", "list", "--language", "fr").exit_code == 2


def test_lists_need_no_tensorflow():
    for command in (["backbones", "list"], ["checkpoint", "list"]):
        code = f"import sys; from kerasbert.cli import main; main({command}, standalone_mode=False); "
        check = "sys.exit('tensorflow' in sys.modules)"
        subprocess.run([sys.executable, "-c", code + check], check=True, stdout=subprocess.DEVNULL)
