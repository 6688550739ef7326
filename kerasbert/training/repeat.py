"""Repeats a training with several seeds or folds, to estimate the variance of the result."""

import json
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from kerasbert.checkpoints import RunDirectory
from kerasbert.config import Config, merge, parse_config
from kerasbert.engine.resume import differences
from kerasbert.engine.run import new_run_dir
from kerasbert.engine.strategy import choose_strategy, is_chief
from kerasbert.errors import ConfigError
from kerasbert.files import require_new_directory, write_json
from kerasbert.layout import FOLD_RUN, SEED_RUN
from kerasbert.training.fingerprint import fingerprint, require_fingerprint
from kerasbert.training.finish import TrainResult
from kerasbert.training.train import train
from kerasbert.training.training_data import read_training_data

_METRICS = ("accuracy", "macro_f1")


def seeds_of(config: Config, count: int) -> dict[str, Config]:
    """Returns `count` trainings with consecutive seeds, by the names of their directories."""
    return _variants(config, {f"{SEED_RUN}{n}": ("training", {"seed": n}) for n in _from(config, count)})


def folds_of(config: Config, count: int) -> dict[str, Config]:
    """Returns the trainings of a cross-validation of `count` folds, by the names of their directories."""
    folds = {f"{FOLD_RUN}{n}": ("data", {"folds": count, "fold": n}) for n in range(count)}
    return _variants(config, folds)


def train_each(
    configs: Mapping[str, Config],
    directory: Path,
    console: Console,
    resume: bool,
    finished: Callable[[TrainResult], object],
) -> dict[str, Any] | None:
    """Runs the trainings one after the other and writes `summary.json`.

    Args:
        configs: see `seeds_of` and `folds_of`.
        directory: of all; must be new or empty, unless resumed.
        console: where progress is shown.
        resume: leave finished ones as they are, and continue the unfinished one.
        finished: called with each result, on the chief.

    Returns:
        The metrics of each run with mean and deviation, or None if a training was interrupted.
    """
    if not resume:
        require_new_directory(directory)
    strategy = choose_strategy(next(iter(configs.values())).training)  # once, and first of all
    metrics: dict[str, dict[str, float]] = {}
    warned: set[str] = set()
    for name, config in configs.items():
        run = RunDirectory(directory / name)
        done = _metrics(run) if resume else None
        if done and not done["interrupted"] and not metrics:
            _require_same(run, config)
        if done is None or done["interrupted"]:
            console.print(name, style="bold")
            result = train(config, console, resume and run.config.is_file(), strategy, warned=warned)
            if result.interrupted:
                return None
            if result.chief:
                finished(result)
            done = result.metrics
        metrics[name] = {metric: done[metric] for metric in _METRICS}
    summary = {"runs": metrics, **{metric: _spread(metrics, metric) for metric in _METRICS}}
    if is_chief(strategy):
        write_json(directory / "summary.json", summary)
    return summary


def _variants(config: Config, changes: Mapping[str, tuple[str, dict[str, int]]]) -> dict[str, Config]:
    directory = config.run_dir or new_run_dir(config.task, config.training)
    variants = {}
    for name, (section, values) in changes.items():
        changed = {section: values, "run_dir": f"{directory}/{name}"}
        variants[name] = parse_config(Config, merge(config.model_dump(), changed), where=name)
    return variants


def _from(config: Config, count: int) -> range:
    return range(config.training.seed, config.training.seed + count)


def _metrics(run: RunDirectory) -> dict[str, Any] | None:
    return json.loads(run.metrics.read_text(encoding="utf-8")) if run.metrics.is_file() else None


def _require_same(run: RunDirectory, config: Config) -> None:
    """Raises `UserError` if a finished run was not of this configuration and these data.

    One run is enough: all of them have the same rows, and those that are unfinished are compared too.
    """
    # The run's configuration is resolved.
    kept = {"data", "head", "training", "augmentation", "distillation"}
    given = config.model_dump(exclude_none=True, include=kept)
    other = differences(given, run.load_config().model_dump())
    if other:
        raise ConfigError(
            f"{', '.join(other)}: differs from what {run.path} was trained with. Resume with the same "
            "settings, or start a new run with another run_dir (--output)."
        )
    if run.data.is_file():
        require_fingerprint(run.data, fingerprint(read_training_data(config), config.distillation.teacher))


def _spread(metrics: Mapping[str, Mapping[str, float]], metric: str) -> dict[str, float]:
    """Returns mean and standard deviation (of the sample, n - 1)."""
    values = [of[metric] for of in metrics.values()]
    return {"mean": statistics.fmean(values), "sd": statistics.stdev(values)}
