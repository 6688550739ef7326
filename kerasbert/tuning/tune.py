"""Runs a hyperparameter search."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from kerasbert.config import Config
from kerasbert.engine.divergence import DivergedError
from kerasbert.errors import ConfigError, KerasBertError, UserError
from kerasbert.extras import needs_extra
from kerasbert.files import (
    exclusive_lock,
    make_directory,
    require_new_directory,
    wrap_write_errors,
    write_json,
)
from kerasbert.progress import print_plain
from kerasbert.tasks import load_config
from kerasbert.training import TrainResult, train
from kerasbert.training.fingerprint import fingerprint, require_fingerprint
from kerasbert.training.monitor import monitor_of
from kerasbert.training.training_data import read_training_data
from kerasbert.tuning.space import Space


@dataclass(frozen=True)
class Best:
    """The best trial of a search."""

    number: int
    score: float  # the monitored metric
    chosen: dict[str, Any]  # by key
    run: Path  # its run directory
    trials: int  # of the whole search


def require_fitting(config_path: str | Path, overrides: Sequence[str], space: Space) -> Config:
    """Returns the configuration of a search after checking that all values of `space` are valid.

    Raises:
        ConfigError: it does not; the message names the key.
    """
    config = load_config(config_path, overrides)
    for extreme in space.extremes():
        load_config(config_path, [*overrides, *extreme])
    if config.training.strategy == "multi_worker":
        raise ConfigError("training.strategy: a search runs on one host as yet. Choose mirrored.")
    return config


def tune(
    config_path: str | Path,
    overrides: Sequence[str],
    space: Space,
    trials: int,
    directory: Path,
    console: Console,
    resume: bool = False,
    kept: Callable[[TrainResult], object] = lambda result: None,
) -> Best | None:
    """Searches with Optuna's tree-structured Parzen estimator (Bergstra et al. 2011).

    A trial whose metric after an epoch is below the median of the trials before it is given up. Only the
    best run is kept, in `best/`; `study.journal` is the study as Optuna stores it.

    Args:
        config_path: of the training.
        overrides: `KEY=VALUE` strings over it.
        space: what to choose.
        trials: how many, those before a resumption included.
        directory: of the search; must be new or empty, unless resumed.
        console: where progress is shown.
        resume: continue the search in `directory`; an interrupted trial is restarted.
        kept: called with each result that is the best so far.

    Returns:
        The best trial, or None if the search was interrupted.

    Raises:
        UserError: Optuna is not installed, or a choice does not fit the configuration.
        KerasBertError: all trials were given up.
    """
    optuna = _optuna()
    config = require_fitting(config_path, overrides, space)
    states = optuna.trial.TrialState
    if resume and not (directory / "study.journal").is_file():
        raise UserError(f"{directory}: holds no search to resume.")
    data = fingerprint(read_training_data(config), config.distillation.teacher)
    if resume:
        require_fingerprint(directory / "data.json", data)
    else:
        require_new_directory(directory)
        make_directory(directory)
        write_json(directory / "data.json", data)
    with exclusive_lock(directory):
        study = _open_study(directory, config, space)
        done = len(study.get_trials(states=[states.COMPLETE, states.PRUNED]))

        warned: set[str] = set()

        def run(trial: Any) -> float:
            chosen = space.suggest(trial)
            print_plain(console, f"trial {trial.number}: {', '.join(chosen)}")
            one = load_config(config_path, [*overrides, *chosen])
            return _train(one, trial, directory, console, kept, warned)

        try:
            study.optimize(run, n_trials=max(trials - done, 0))
        except KeyboardInterrupt:
            return None
        if not study.get_trials(states=[states.COMPLETE]):
            raise KerasBertError(f"{directory}: no trial came to its end. Choose other ranges.")
        best = study.best_trial
        chosen = {
            key: json.loads(value) if isinstance(value, str) else value for key, value in best.params.items()
        }
        return Best(best.number, best.value, chosen, directory / "best", len(study.trials))


def _open_study(directory: Path, config: Config, space: Space) -> Any:
    """Returns the study of a new or resumed search; interrupted trials are restarted."""
    optuna = _optuna()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    journal = directory / "study.journal"
    _drop_incomplete_line(journal)
    try:
        backend = optuna.storages.journal.JournalFileBackend(str(journal))
        study = optuna.create_study(
            study_name="kerasbert",
            storage=optuna.storages.JournalStorage(backend),
            sampler=optuna.samplers.TPESampler(seed=config.training.seed),
            pruner=optuna.pruners.MedianPruner(),
            direction="minimize" if monitor_of(config) == "loss" else "maximize",
            load_if_exists=True,
        )
    except ValueError as error:  # no JSON
        raise UserError(
            f"{journal}: is damaged ({error}). Start a new search with another --output."
        ) from error
    _require_compatible(study, space, directory)
    states = optuna.trial.TrialState
    for interrupted in study.get_trials(states=[states.RUNNING]):
        study.tell(interrupted.number, state=states.FAIL)
        study.enqueue_trial(interrupted.params)
    return study


def _drop_incomplete_line(journal: Path) -> None:
    """Removes what a killed process wrote of its last line; a trial without its end is restarted."""
    if journal.is_file():
        with wrap_write_errors(journal), journal.open("r+b") as file:
            file.truncate(file.read().rfind(b"\n") + 1)


def _require_compatible(study: Any, space: Space, directory: Path) -> None:
    """Raises `UserError` if trials chose from lists or kinds of ranges other than those in `space`."""
    optuna = _optuna()
    trial = optuna.create_study().ask()
    space.suggest(trial)
    for before in study.get_trials(deepcopy=False):
        for key in before.distributions.keys() & trial.distributions.keys():
            try:
                optuna.distributions.check_distribution_compatibility(
                    before.distributions[key], trial.distributions[key]
                )
            except ValueError as error:
                raise UserError(
                    f"{key}: {directory} was started with another space. Resume with the space that it was "
                    "started with, or start a new search with another --output."
                ) from error


def _train(
    config: Config,
    trial: Any,
    directory: Path,
    console: Console,
    kept: Callable[[TrainResult], object],
    warned: set[str],
) -> float:
    """Trains once and keeps the run if it is the best so far."""
    optuna = _optuna()
    path, monitor = directory / f"trial-{trial.number}", monitor_of(config)
    config.run_dir = str(path)
    scores: list[float] = []

    def on_epoch(epoch: int, metrics: dict[str, float]) -> None:
        scores.append(metrics[monitor])
        trial.report(metrics[monitor], epoch)
        if trial.should_prune():
            raise optuna.TrialPruned

    shutil.rmtree(path, ignore_errors=True)  # what an interrupted trial left
    try:
        result = train(config, console, on_epoch=on_epoch, warned=warned)
        if result.interrupted:
            raise KeyboardInterrupt
        score = min(scores) if monitor == "loss" else max(scores)
        if _is_best(trial.study, score):
            kept(result)
            shutil.rmtree(directory / "best", ignore_errors=True)
            path.rename(directory / "best")
        return score
    except DivergedError as error:
        raise optuna.TrialPruned from error
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _is_best(study: Any, score: float) -> bool:
    try:
        before = study.best_value
    except ValueError:  # the first
        return True
    return score < before if study.direction.name == "MINIMIZE" else score > before


def _optuna() -> Any:
    with needs_extra("tune", "kerasbert tune"):
        import optuna
    return optuna
