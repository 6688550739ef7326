"""vocab train, corpus build and pretrain, as a new user would run them one after the other."""

import json

import pytest
import yaml

pytestmark = pytest.mark.process

SENTENCES = "老师在学校读书。\n学生在公园看报。\n\n医生在医院写信。\n司机在车站喝茶。\n\n"


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(SENTENCES * 30, encoding="utf-8")
    return path


@pytest.fixture
def vocabulary(kerasbert, text, tmp_path):
    path = tmp_path / "vocab.txt"
    result = kerasbert("vocab", "train", text, "--output", path, "--size", 200, "--min-count", 1)
    assert result.exit_code == 0
    assert "tokens" in result.stderr
    return path


@pytest.fixture
def config(tmp_path):
    values = {
        "backbone": {"num_layers": 1, "hidden_dim": 16, "num_heads": 2, "intermediate_dim": 32},
        "phases": [{"corpus": str(tmp_path / "corpus"), "steps": 4, "batch_size": 4}],
        "training": {"checkpoint_every_steps": 2},
    }
    path = tmp_path / "pretrain.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


def build(kerasbert, text, vocabulary, tmp_path, *options):
    common = ["--output", tmp_path / "corpus", "--max-length", 16, "--shards", 1, "--held-out", 0.2]
    return kerasbert("corpus", "build", text, "--vocabulary", vocabulary, *common, *options)


@pytest.mark.slow
def test_from_text_to_a_backbone(kerasbert, text, vocabulary, config, tmp_path):
    built = build(kerasbert, text, vocabulary, tmp_path, "--json")
    assert built.exit_code == 0
    assert json.loads(built.stdout)["train"]["unknown"] == 0
    again = build(kerasbert, text, vocabulary, tmp_path)
    assert "documents" in again.stderr

    dry = kerasbert("pretrain", config, "--output", tmp_path / "run", "--dry-run")
    assert dry.exit_code == 0
    assert "4 steps are" in dry.stdout
    assert not (tmp_path / "run").exists()

    done = kerasbert("pretrain", config, "--output", tmp_path / "run")
    assert done.exit_code == 0
    assert "perplexity" in done.stderr
    inspected = kerasbert("checkpoint", "inspect", tmp_path / "run", "--json")
    assert json.loads(inspected.stdout)["heads"] == {"mlm_head": True, "nsp_head": True}


@pytest.mark.slow
def test_sentencepiece_from_text_to_a_backbone(kerasbert, text, config, tmp_path):
    model = tmp_path / "sentencepiece.model"
    options = ["--kind", "sentencepiece", "--size", 60, "--min-count", 1]
    trained = kerasbert("vocab", "train", text, "--output", model, *options)
    assert trained.exit_code == 0
    assert "28 tokens" in trained.stderr
    built = build(kerasbert, text, model, tmp_path, "--json")
    assert json.loads(built.stdout)["train"]["unknown"] == 0
    assert kerasbert("pretrain", config, "--output", tmp_path / "run").exit_code == 0
    kept = [tmp_path / name / "sentencepiece.model" for name in ("corpus", "run")]
    assert [path.read_bytes() for path in kept] == [model.read_bytes()] * 2
    assert not (tmp_path / "run" / "vocab.txt").exists()
    inspected = json.loads(kerasbert("checkpoint", "inspect", tmp_path / "run", "--json").stdout)
    assert (inspected["vocabulary"], inspected["vocabulary_size"]) == ("SentencePiece", 28)
    # Its corpus is of the same vocabulary, whichever file that was read from.
    options = ["--vocabulary", tmp_path / "run", "--output", tmp_path / "more", "--held-out", 0]
    assert kerasbert("corpus", "build", text, *options).exit_code == 0
    assert (tmp_path / "more" / "sentencepiece.model").read_bytes() == model.read_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--kind", "sentencepiece", "--output", "vocab.txt"], "must end in .model"),
        (["--output", "zh.model"], "must not end in .model with --kind wordpiece"),
        (["--longest-piece", 4, "--output", "vocab.txt"], "with --kind sentencepiece only"),
        (["--kind", "sentencepiece", "--output", "x.model", "--min-count", 9999], "no character"),
    ],
)
def test_options_that_do_not_fit_are_refused(kerasbert, text, options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = kerasbert("vocab", "train", text, *options)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize("vocabulary", ["x.model", "kerasbert-tiny-zh"])
def test_only_a_vocab_txt_takes_a_casing(kerasbert, text, vocabulary, tmp_path):
    options = ("--vocabulary", vocabulary, "--cased", "--output", tmp_path / "corpus")
    result = kerasbert("corpus", "build", text, *options)
    assert result.exit_code == 2
    assert "--cased: can be given with a vocab.txt only" in result.stderr


@pytest.mark.slow
def test_a_source_brings_its_vocabulary(kerasbert, text, vocabulary, config, tmp_path):
    assert build(kerasbert, text, vocabulary, tmp_path).exit_code == 0
    assert kerasbert("pretrain", config, "--output", tmp_path / "run").exit_code == 0
    options = ["--vocabulary", tmp_path / "run", "--output", tmp_path / "more", "--held-out", 0]
    assert kerasbert("corpus", "build", text, *options).exit_code == 0
    assert (tmp_path / "more" / "vocab.txt").read_bytes() == vocabulary.read_bytes()


@pytest.mark.slow
def test_ctrl_c_says_how_to_go_on(kerasbert, text, vocabulary, config, tmp_path, monkeypatch):
    build(kerasbert, text, vocabulary, tmp_path)

    def interrupt(self, figures):
        raise KeyboardInterrupt

    monkeypatch.setattr("kerasbert.engine.progress_reporter.ProgressReporter.line", interrupt)
    result = kerasbert("pretrain", config, "--output", tmp_path / "run")
    assert result.exit_code == 130
    assert f"--resume --output {tmp_path / 'run'}" in result.stderr
    monkeypatch.undo()
    assert kerasbert("pretrain", config, "--output", tmp_path / "run", "--resume").exit_code == 0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "phases: field required"),
        ({"phases": []}, "phases: "),
        ({"phases": [{"corpus": "x"}]}, "phases.0.steps: "),
        ({"phases": [{"corpus": "nowhere", "steps": 1}]}, "nowhere: is not a corpus"),
        ({"phase": []}, "Did you mean phases?"),
        (
            {"phases": [{"corpus": "x", "steps": 1}], "training": {"epochs": 3}},
            "training.epochs: unknown key",
        ),
    ],
)
def test_mistakes_in_the_configuration_are_named(kerasbert, tmp_path, values, message):
    path = tmp_path / "wrong.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    result = kerasbert("pretrain", path)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--max-length", 3], "max_length: "),
        (["--held-out", 2], "held_out: "),
        (["--shards", 0], "shards: "),
    ],
)
def test_mistakes_on_the_command_line_are_named(kerasbert, text, vocabulary, tmp_path, options, message):
    result = build(kerasbert, text, vocabulary, tmp_path, *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "corpus").exists()
