import json
import re
import signal
import sys

import pytest
import yaml

from kerasbert.predictors import open_model

NOISE = ("WARNING: All log messages", "oneDNN", "cuInit", "cuda", "I0000", "Warning", "Traceback")
DECIDES = '{"text": "很好", "label": "positive"}'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read (No such file or directory)"),
        ("- a\n- b", "must be a mapping"),
        ("a: [1", "is not YAML"),
        ("training: 3", "training: "),
        ("training: {epoch: 3}", "Did you mean training.epochs?"),
        ("trainig: {epochs: 3}", "Did you mean training?"),
        ("learning_rate: 1", "Did you mean training.learning_rate?"),
        ("training: {epochs: 0}", "training.epochs: "),
        ("task: sentimnt", "Did you mean sentiment?"),
        ("task:", "task: should be a valid string"),
        ("seed: 2020-13-45", "is not YAML"),
        ("task: classification", "data.train: name at least one training file"),
        ("{1: 2}", "config.yaml"),
    ],
)
def test_a_wrong_configuration_is_refused(refused, tmp_path, content, message):
    config = tmp_path / "config.yaml"
    if content is not None:
        config.write_text(content)
    assert message in refused("train", config, "--run-dir", tmp_path / "run")


def test_a_configuration_that_is_a_directory_or_no_text_is_refused(refused, tmp_path):
    assert "cannot be read" in refused("train", tmp_path)
    (tmp_path / "config.yaml").write_bytes(b"task: \xff\xfe")
    assert "is not UTF-8" in refused("train", tmp_path / "config.yaml")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.epochs", "--set must be KEY=VALUE"),
        ("=3", "--set must be KEY=VALUE"),
        ("training.epochs=many", "training.epochs: "),
        ("training.epoch=3", "Did you mean training.epochs?"),
        ("training.epochs=[", "the value is not YAML"),
        ("training.epochs=2020-13-45", "the value is not YAML"),
        ("task=nonsense", "no task 'nonsense'"),
        ("task_options.treshold=1", "task_options"),
        ("text.vocabulary=missing.txt", "missing.txt: cannot be read"),
        ("data.encoding=klingon", "data.encoding: unknown encoding"),
        ("training.max_length=4", "training.max_length: "),
        ("backbone.num_heads=3", "backbone.num_heads"),
    ],
)
def test_a_wrong_override_is_refused(refused, config_file, tmp_path, override, message):
    assert message in refused("train", config_file(), "--set", override, "--run-dir", tmp_path / "run")


def test_each_wrong_key_has_its_line(refused, config_file):
    lines = refused("train", config_file("a: 1", "training: {epochs: 0}"), lines=2).splitlines()
    assert "a: unknown key" in lines[0] + lines[1]
    assert "training.epochs" in lines[0] + lines[1]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.jsonl", None, "missing.jsonl: cannot be read"),
        ("empty.csv", "", "empty.csv: holds no rows"),
        ("empty.jsonl", "", "empty.jsonl: holds no rows"),
        ("data.txt", "a", "unknown format"),
        ("data.jsonl", '{"body": "很好", "label": "a"}', "has no column 'text'"),
        ("data.csv", "text,class\n好,a\n", "has no column 'label'"),
        ("data.jsonl", "好", "data.jsonl:1: is not JSON"),
        ("data.parquet", "PAR1 no parquet", "is not Parquet"),
        ("data.jsonl", f"{DECIDES}\n{DECIDES}", "at least two labels"),
        ("data.jsonl", f'{DECIDES}\n{{"text": "x", "label": "b"}}', "data.validation_fraction"),
    ],
)
def test_wrong_data_are_refused(refused, config_file, tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    config = config_file(train=tmp_path / name)
    assert message in refused("train", config, "--run-dir", tmp_path / "run")


@pytest.mark.parametrize("place", ["file/run", "file", "taken"])
def test_a_place_that_is_no_new_directory_is_refused(refused, config_file, tmp_path, place):
    (tmp_path / "file").write_text("x")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine").touch()
    assert f"{tmp_path / place}: " in refused("train", config_file(), "--run-dir", tmp_path / place)


def test_a_dry_run_shows_all_and_writes_nothing(kerasbert, config_file, tmp_path, monkeypatch):
    config = config_file()
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    arguments = ("--dry-run", "--set", "training.epochs=7", "--run-dir", "planned")
    result = kerasbert("train", config, *arguments)
    assert result.exit_code == 0
    assert sorted(tmp_path.rglob("*")) == before
    assert "epochs: 7" in result.stdout
    assert "run_dir: planned" in result.stdout
    assert "train: 72 rows" in result.stdout
    assert "validation: 8 rows" in result.stdout
    assert "9 an epoch, 63 in all" in result.stdout
    assert result.stderr == ""


@pytest.mark.process
def test_a_full_disk_ends_the_training_with_one_error(
    kerasbert, config_file, tmp_path, largest_file, refused
):
    run = tmp_path / "run"
    with largest_file(8192):
        result = kerasbert("train", config_file(), "--run-dir", run)
    assert result.exit_code == 2
    assert result.stderr.count("Error: ") == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith(f"Error: {run / 'checkpoints' / 'step-000000000.state'}: cannot be written")
    assert not [path for path in run.rglob("*") if "weights" in path.name or "state" in path.name]
    assert not (run / "metrics.json").exists()
    assert "did not finish" in refused("predict", run, "text")


@pytest.mark.process
def test_ctrl_c_before_the_first_epoch_ends_keeps_a_run(kerasbert, config_file, tmp_path, monkeypatch):
    def interrupted(*arguments, **settings):
        raise KeyboardInterrupt

    trainer = sys.modules["kerasbert.training.train"].Trainer
    monkeypatch.setattr(trainer, "step", interrupted)
    result = kerasbert("train", config_file(), "--run-dir", tmp_path / "run")
    assert result.exit_code == 130
    assert "Interrupted" in result.stderr
    assert open_model(tmp_path / "run").labels == ("negative", "positive")


@pytest.fixture(scope="module")
def training(kerasbert, reviews_file, tmp_path_factory):
    """A training: its run directory and its result."""
    directory = tmp_path_factory.mktemp("training")
    config = directory / "config.yaml"
    sizes = "{num_layers: 1, hidden_dim: 16, num_heads: 2, intermediate_dim: 32}"
    config.write_text(f"backbone: {sizes}\ntraining: {{epochs: 1, batch_size: 8, max_length: 16}}\n")
    overrides = (f"data.train={reviews_file}", "training.epochs=3", "training.seed=5", "head.pooling=mean")
    arguments = [word for override in overrides for word in ("--set", override)]
    run = directory / "runs" / "a [b]"
    return run, kerasbert("train", config, *arguments, "--run-dir", run)


def test_a_training_writes_a_run_that_loads(training):
    run, result = training
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert open_model(run).labels == ("negative", "positive")
    assert (run / "report" / "index.html").is_file()
    assert len((run / "history.jsonl").read_text().splitlines()) == 3
    assert sorted(path.name for path in run.parents[1].iterdir()) == ["config.yaml", "runs"]


def test_overrides_reach_the_run(training):
    run, _ = training
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["training"]["epochs"] == 3
    assert config["training"]["seed"] == 5
    assert config["head"]["pooling"] == "mean"
    assert config["run_dir"] == str(run)


def test_a_training_names_its_run_and_report(training):
    run, result = training
    assert f"run: {run}\n" in result.stderr
    assert f"report: {run / 'report' / 'index.html'}\n" in result.stderr


@pytest.fixture(scope="module")
def interrupted(process, reviews_file, tmp_path_factory):
    """A training in a process of its own, ended by Ctrl-C: its directory, status, stdout and stderr."""
    directory = tmp_path_factory.mktemp("interrupted")
    (directory / "config.yaml").write_text(
        "backbone: {num_layers: 1, hidden_dim: 16, num_heads: 2, intermediate_dim: 32}\n"
        f"data: {{train: {reviews_file}}}\n"
        "training: {epochs: 2000, batch_size: 8, max_length: 16}\n"
    )
    running = process("train", "config.yaml", "--run-dir", "run", cwd=directory, bufsize=0)
    seen = b""
    for line in running.stderr:
        seen += line
        if re.match(rb" +3 ", line):
            break
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=400)
    return directory, running.returncode, out.decode(), (seen + err).decode()


@pytest.mark.process
def test_ctrl_c_ends_a_training_with_a_run_that_loads(interrupted):
    directory, status, out, err = interrupted
    assert status == 130, err
    assert "Interrupted" in err
    assert out == ""
    run = directory / "run"
    assert open_model(run).labels == ("negative", "positive")
    assert json.loads((run / "metrics.json").read_text())["interrupted"] is True
    assert (run / "report" / "index.html").is_file()
    assert sorted(path.name for path in directory.iterdir()) == ["config.yaml", "run"]


@pytest.mark.process
def test_a_training_shows_its_epochs_and_no_noise(interrupted):
    err = interrupted[3]
    assert [word for word in NOISE if word in err] == []
    shown = re.findall(r"^ +(\d+) +\d\.\d{4}", err, re.MULTILINE)
    assert shown[:3] == ["1", "2", "3"]
