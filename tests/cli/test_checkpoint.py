import json

import pytest


def test_inspect_tells_what_a_run_is(kerasbert, trained):
    result = kerasbert("checkpoint", "inspect", trained.run.path)
    assert result.exit_code == 0, result.output
    lines = dict(line.split(":", 1) for line in result.stdout.splitlines())
    assert lines["format"].strip() == "kerasbert run"
    assert lines["masked LM head"].strip() == "none"
    assert lines["activation"].strip() == "gelu_tanh"


def test_import_and_inspect_as_json(kerasbert, trained, tmp_path):
    out = tmp_path / "a" / "out"
    result = kerasbert(
        "checkpoint", "import", trained.run.path, out, "--positions", "32", "--dtype", "float16"
    )
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{out}\n"
    assert "Note: 32 positions instead of 16.\n" in result.stderr
    found = json.loads(kerasbert("checkpoint", "inspect", out, "--json").stdout)
    assert (found["max_positions"], found["dtype"]) == (32, "float16")


def test_export_writes_the_backbone(kerasbert, trained, tmp_path):
    result = kerasbert("checkpoint", "export", trained.run.path, tmp_path / "out", "--backbone-only")
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{tmp_path / 'out'}\n", "")
    names = {"config.json", "tokenizer_config.json", "vocab.txt", "model.safetensors"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names


def test_users_mistakes_end_in_one_line(refused, trained, tmp_path):
    assert "head.pooling must be cls" in refused("checkpoint", "export", trained.run.path, tmp_path / "out")
    assert "is not a run directory" in refused("checkpoint", "export", tmp_path / "none", tmp_path / "out")
    assert "no checkpoint that kerasbert knows" in refused("checkpoint", "inspect", tmp_path)
    assert "cannot be loaded as a BERT preset" in refused(
        "checkpoint", "import", "none/such", tmp_path / "out"
    )
    (tmp_path / "file").touch()
    assert "must be a folder" in refused("checkpoint", "inspect", tmp_path / "file")
    assert "exists already" in refused("checkpoint", "import", trained.run.path, tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [("import", "x"), ("export",), ("inspect",), ("import", "a", "b", "--dtype", "x"), ("trim", "a", "b")],
)
def test_wrong_usage_ends_with_status_two(kerasbert, arguments):
    assert kerasbert("checkpoint", *arguments).exit_code == 2


def test_trim_says_what_became_smaller(kerasbert, trained, tmp_path):
    (tmp_path / "texts.csv").write_text("text\n很好\n", encoding="utf-8")
    arguments = ("checkpoint", "trim", trained.run.path)
    result = kerasbert(*arguments, tmp_path / "out", "--texts", tmp_path / "texts.csv", "--layers", "1")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{tmp_path / 'out'}\n"
    assert "coverage:           100.00% of 2 tokens in 1 texts\n" in result.stderr
    result = kerasbert(*arguments, tmp_path / "two", "--texts", tmp_path / "texts.csv", "--json")
    found = json.loads(result.stdout)
    assert found["after"]["vocabulary_size"] < found["before"]["vocabulary_size"]
    inspected = json.loads(kerasbert("checkpoint", "inspect", tmp_path / "two", "--json").stdout)
    assert inspected["parameters"] == found["after"]["parameters"]
    assert inspected["vocabulary_size"] == found["after"]["vocabulary_size"]


def test_trim_refuses_in_one_line(refused, trained, tmp_path):
    (tmp_path / "texts.csv").write_text("text,label\n很好,1\n", encoding="utf-8")
    trim = ("checkpoint", "trim", trained.run.path, tmp_path / "out")
    assert "--layers: must be from 1 to" in refused(
        *trim, "--texts", tmp_path / "texts.csv", "--layers", "99"
    )
    assert "none.txt: cannot be read" in refused(*trim, "--texts", tmp_path / "none.txt")
    assert "Add --text-column" in refused(*trim, "--texts", tmp_path / "texts.csv", "--text-column", "body")
    assert not (tmp_path / "out").exists()
