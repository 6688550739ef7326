import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from kerasbert.checkpoints import RunDirectory
from kerasbert.engine.progress_reporter import ProgressReporter
from kerasbert.errors import ConfigError, DataError, UserError
from kerasbert.training import folds_of, prepare, seeds_of, train_each

pytestmark = pytest.mark.process


def run(configs, directory: Path, resume: bool = False):
    results = []
    console = Console(file=io.StringIO(), width=200)
    return train_each(configs, directory, console, resume, results.append), results


@pytest.mark.slow
def test_seeds_follow_one_another(tiny_config, tmp_path):
    configs = seeds_of(tiny_config(training={"seed": 5}), 2)
    assert [config.training.seed for config in configs.values()] == [5, 6]
    assert [Path(config.run_dir).name for config in configs.values()] == list(configs)
    summary, results = run(configs, tmp_path / "run")
    accuracies = [result.metrics["accuracy"] for result in results]
    assert summary["accuracy"] == {
        "mean": pytest.approx(np.mean(accuracies)), "sd": pytest.approx(np.std(accuracies, ddof=1)),
    }  # fmt: skip
    written = json.loads((tmp_path / "run" / "summary.json").read_text(encoding="utf-8"))
    assert written == summary
    assert [written["runs"][name]["accuracy"] for name in configs] == accuracies


def test_every_row_is_validated_on_once(tiny_config, reviews, tmp_path):
    configs = folds_of(tiny_config(), 4)
    prepared = [prepare(config) for config in configs.values()]
    held_out = [row.text for one in prepared for row in one.validation.rows]
    assert sorted(held_out) == sorted(row.text for row in reviews.rows)
    for one in prepared:
        assert not set(one.train.texts) & set(one.validation.texts)
        assert len(one.train) + len(one.validation) == len(reviews)
        assert one.validation.label_counts == {"negative": 10, "positive": 10}


@pytest.mark.slow
def test_an_interrupted_series_goes_on(tiny_config, tmp_path, monkeypatch, reviews_file):
    configs, moves = folds_of(tiny_config(), 2), []

    def move(self, step: int) -> None:
        moves.append(step)
        if len(moves) == 15:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ProgressReporter, "move", move)
        summary, results = run(configs, tmp_path / "run")
    assert summary is None
    assert len(results) == 1
    with pytest.raises(UserError, match="exists already"):
        run(configs, tmp_path / "run")
    fewer = tmp_path / "fewer.jsonl"
    fewer.write_text("".join(reviews_file.read_text().splitlines(keepends=True)[:60]))
    with pytest.raises(ConfigError, match=r"data\.train: differs from what .*fold-0 was trained with"):
        run(folds_of(tiny_config(data={"train": str(fewer)}), 2), tmp_path / "run", resume=True)
    begun = RunDirectory(tmp_path / "run" / "fold-0").data
    before = begun.read_text()
    begun.write_text(before.replace('"negative"', '"bad"'))
    with pytest.raises(UserError, match="the labels are now without 'bad' and with 'negative' added"):
        run(configs, tmp_path / "run", resume=True)
    begun.write_text(before)
    summary, results = run(configs, tmp_path / "run", resume=True)
    assert len(results) == 1, "the finished one is left as it is"
    assert list(summary["runs"]) == ["fold-0", "fold-1"]


def test_more_folds_than_texts_of_a_label_are_refused(tiny_config):
    with pytest.raises(DataError, match=r"data\.folds: must be at most 40"):
        prepare(folds_of(tiny_config(), 41)["fold-0"])


def test_folds_and_validation_files_do_not_go_together(tiny_config, reviews_file):
    with pytest.raises(ConfigError, match=r"Remove data\.validation"):
        tiny_config(data={"folds": 3, "validation": str(reviews_file)})
    with pytest.raises(ConfigError, match="fold: must be less than 3"):
        tiny_config(data={"folds": 3, "fold": 3})
    with pytest.raises(ConfigError, match=r"^fold-0: data\.folds: are made of .* Remove data\.validation$"):
        folds_of(tiny_config(data={"validation": str(reviews_file)}), 3)


def test_the_last_seed_must_be_one(tiny_config):
    last = 2**32 - 1
    with pytest.raises(ConfigError, match=rf"^seed-{2**32}: training\.seed: .* Received: {2**32}$"):
        seeds_of(tiny_config(training={"seed": last}), 2)


@pytest.mark.slow
def test_what_weakens_all_trainings_is_said_once(tiny_config, tmp_path):
    rows = [{"text": f"第{i}条{'好坏'[i % 2]}", "label": "xy"[i % 2]} for i in range(30)]
    rows += [{"text": f"其他{i}", "label": "Ａ" if i else ""} for i in range(8)]
    rows += [{"text": f"{'长' * 40}{i}", "label": "A"} for i in range(6)]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    configs = folds_of(tiny_config(data={"train": str(path)}, training={"epochs": 1}), 2)
    console = Console(file=io.StringIO(), width=200)
    train_each(configs, tmp_path / "run", console, False, lambda result: None)
    shown = console.file.getvalue()
    for warning in (
        f"warning: {path}: 1 row(s) with empty label will be left out: line 31.",
        f'warning: {path}: labels "A" (6 rows) and "Ａ" (7 rows) differ only in width',
    ):
        assert shown.count(warning) == 1
    assert "are longer than training.max_length, 16 tokens, and are truncated." in shown
    assert shown.index("warning: ") < shown.index("val loss")
