"""A training on rows in memory is that on the same rows in a file."""

import doctest
import json

import numpy as np
import pandas as pd
import pytest

import kerasbert
from kerasbert.api import train as documented
from kerasbert.config import read_yaml
from kerasbert.data import Rows

TINY = {
    "backbone": {"num_layers": 1, "hidden_dim": 16, "num_heads": 2, "intermediate_dim": 32},
    "head": {"pooling": "mean"},
    "training": {"epochs": 2, "batch_size": 8, "max_length": 16, "learning_rate": 3e-3},
}


@pytest.fixture(scope="session")
def frame(reviews: Rows) -> pd.DataFrame:
    labels = pd.Categorical([row.labels[0] for row in reviews.rows])
    return pd.DataFrame({"label": labels, "text": reviews.texts}, index=range(99, 19, -1))


@pytest.fixture(scope="session")
def from_memory(frame, tmp_path_factory):
    """What the example in the docstring of `kerasbert.train` leaves."""
    names = {"kerasbert": kerasbert, "rows": frame, "run_dir": tmp_path_factory.mktemp("memory") / "run"}
    (example,) = doctest.DocTestFinder(recurse=False).find(documented, "train", globs=names)
    runner = doctest.DocTestRunner()
    runner.run(example, clear_globs=False)
    assert runner.tries == 3
    assert not runner.failures
    return example.globs["result"]


def test_the_rows_are_those_of_the_file(from_memory, trained):
    assert json.loads(from_memory.run.data.read_text()) == json.loads(trained.run.data.read_text())


def test_the_configuration_names_the_rows_in_the_run(from_memory, frame):
    (path,) = read_yaml(from_memory.run.config)["data"]["train"]
    assert path == str(from_memory.run.path / "rows" / "train.jsonl")
    with open(path, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    assert rows == [{"text": t, "label": c} for t, c in zip(frame["text"], frame["label"], strict=True)]


@pytest.mark.process
def test_the_run_is_evaluated_beside_a_baseline_and_has_a_report(from_memory):
    assert (from_memory.run.report / "index.html").is_file()
    metrics = kerasbert.evaluate(from_memory.run.path, from_memory.prepared.config.data.train).metrics
    assert metrics["examples"] == 80
    assert metrics["baseline"]["accuracy"] > 0.9


def test_results_are_short_in_a_notebook(from_memory):
    shown = repr(from_memory)
    assert shown.startswith(f"TrainResult({str(from_memory.run.path)!r}, accuracy=")
    assert len(shown) < 200


@pytest.mark.slow
@pytest.mark.process
def test_a_second_training_in_the_process_that_is_interrupted_can_be_resumed(frame, tmp_path, capsys):
    def interrupt(epoch, metrics):
        raise KeyboardInterrupt

    rows = frame.assign(stars=frame["label"].map({"positive": 5, "negative": 1}).astype("Int64"))
    settings = {**TINY, "label_column": "stars", "run_dir": tmp_path / "run"}
    result = kerasbert.train(data=rows, on_epoch=interrupt, **settings)
    assert result.interrupted
    assert result.model.labels == ("1", "5")
    out, err = capsys.readouterr()
    assert out == ""
    assert "nterrupted" in err
    with pytest.raises(kerasbert.UserError, match="started with other data"):
        kerasbert.train(data=rows.iloc[::-1], resume=True, quiet=True, **settings)
    resumed = kerasbert.train(tmp_path / "run" / "config.yaml", resume=True, quiet=True)
    assert not resumed.interrupted
    assert len(resumed.run.history.read_text().splitlines()) == 2
    assert resumed.model.predict("手机很好")["label"] in ("1", "5")
    assert capsys.readouterr() == ("", "")
    with pytest.raises(kerasbert.UserError, match="exists already"):
        kerasbert.train(data=rows, quiet=True, **settings)
    np.testing.assert_array_equal(
        kerasbert.open_model(tmp_path / "run").predict_proba("手机很好"),
        resumed.model.predict_proba("手机很好"),
    )
