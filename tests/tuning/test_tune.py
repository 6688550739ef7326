import io
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from kerasbert.checkpoints import RunDirectory
from kerasbert.config import dump_yaml
from kerasbert.engine.progress_reporter import ProgressReporter
from kerasbert.errors import ConfigError, UserError
from kerasbert.tuning import read_space, tune

pytestmark = pytest.mark.process

# With this much too small a rate nothing is learned.
SPACE = "training.learning_rate: [1.0e-9, 3.0e-3]\ntraining.batch_size: {low: 8, high: 16}\n"


@pytest.fixture
def search(tiny_config, tmp_path: Path):
    """Returns a function that searches, with other trials or spaces."""
    config = tmp_path / "config.yaml"
    config.write_text(dump_yaml(tiny_config(training={"epochs": 3}).model_dump()), encoding="utf-8")

    def run(trials: int = 4, space: str = SPACE, overrides: Sequence[str] = (), **settings):
        path = tmp_path / "space.yaml"
        path.write_text(space, encoding="utf-8")
        console = Console(file=io.StringIO(), width=200)
        return tune(config, overrides, read_space(path), trials, tmp_path / "study", console, **settings)

    return run


@pytest.mark.slow
def test_the_best_trial_is_kept_and_no_other(search, tmp_path):
    best = search()
    assert best.chosen["training.learning_rate"] == 3e-3
    assert best.trials == 4
    run = RunDirectory(tmp_path / "study" / "best")
    config = run.load_config()
    assert config.training.learning_rate == 3e-3
    assert config.training.batch_size == best.chosen["training.batch_size"]
    assert run.load().predict(["手机很好"])["label"].shape == (1,)
    assert sorted(path.name for path in (tmp_path / "study").iterdir()) == [
        "best", "data.json", "study.journal",
    ]  # fmt: skip
    # No trial of the useless rate can be the best.
    assert best.score > 0.8
    with pytest.raises(UserError, match="exists already"):
        search()


@pytest.mark.slow
def test_a_search_goes_on_where_it_was_interrupted(search, tmp_path, monkeypatch, reviews_file):
    moves = []

    def move(self, step: int) -> None:
        moves.append(step)
        if len(moves) == 30:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ProgressReporter, "move", move)
        assert search(trials=4) is None
    assert not list((tmp_path / "study").glob("trial-*"))
    fewer = tmp_path / "fewer.jsonl"
    fewer.write_text("".join(reviews_file.read_text().splitlines(keepends=True)[:60]))
    with pytest.raises(UserError, match="there were 72 training rows and there are 54"):
        search(trials=4, resume=True, overrides=[f"data.train={fewer}"])
    best = search(trials=4, resume=True)
    assert best.trials in (4, 5), "the interrupted trial is one that failed"
    assert best.run.is_dir()
    assert search(trials=4, resume=True).score == best.score, "nothing is left to do"


@pytest.fixture
def untrained(monkeypatch):
    """Makes every trial end at once, without a training."""
    monkeypatch.setattr(sys.modules["kerasbert.tuning.tune"], "_train", lambda *args: 0.5)


@pytest.mark.parametrize(
    ("space", "key"),
    [
        (SPACE.replace("3.0e-3]", "3.0e-3, 1.0e-2]"), "training.learning_rate"),
        ("training.learning_rate: {low: 1.0e-9, high: 3.0e-3}\n", "training.learning_rate"),
        ("training.batch_size: [8, 16]\n", "training.batch_size"),
    ],
)
def test_a_search_is_resumed_with_its_own_space_only(search, untrained, tmp_path, space, key):
    search(trials=1)
    with pytest.raises(UserError, match=f"^{key}: {tmp_path / 'study'} was started with another space"):
        search(trials=2, resume=True, space=space)
    assert search(trials=2, resume=True).trials == 2


def test_a_range_may_become_wider(search, untrained):
    search(trials=1)
    assert search(trials=2, resume=True, space=SPACE.replace("16}", "32}")).trials == 2


@pytest.mark.parametrize("missing", [1, 20])
def test_a_search_goes_on_without_the_end_of_its_journal(search, untrained, tmp_path, missing):
    first = search(trials=2)
    journal = tmp_path / "study" / "study.journal"
    journal.write_bytes(journal.read_bytes()[:-missing])
    best = search(trials=2, resume=True)
    assert best.trials == 3, "the trial whose end is missing is restarted"
    assert best.score == first.score
    assert search(trials=3, resume=True).trials == 4


def test_a_damaged_journal_is_refused(search, untrained, tmp_path):
    search(trials=1)
    journal = tmp_path / "study" / "study.journal"
    journal.write_bytes(b"{\n" + journal.read_bytes())
    with pytest.raises(UserError, match=r"study\.journal: is damaged \(.*another --output\.$"):
        search(trials=2, resume=True)


def test_what_does_not_fit_is_refused_before_anything_is_written(search, tmp_path):
    with pytest.raises(ConfigError, match=r"training\.epochs: .* Received: 0"):
        search(space="training.epochs: [0, 3]")
    with pytest.raises(ConfigError, match="Did you mean"):
        search(space="training.learning_rat: [1, 2]")
    with pytest.raises(UserError, match="holds no search to resume"):
        search(resume=True)
    assert not (tmp_path / "study").exists()


def test_without_optuna_the_error_says_how_to_get_it(search, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UserError, match=r"pip install 'kerasbert\[tune\]'"):
        search()


def test_the_shipped_space_fits_the_recipes():
    root = Path(__file__).parents[2]
    space = read_space(root / "configs" / "tune" / "fine_tuning.yaml")
    recipe = yaml.safe_load((root / "configs" / "train" / "sentiment.yaml").read_text(encoding="utf-8"))
    assert recipe["backbone"]["source"] != "scratch"
    from kerasbert.tasks import load_config

    for extreme in space.extremes():
        load_config(root / "configs" / "train" / "sentiment.yaml", extreme)
