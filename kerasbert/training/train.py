"""Trains a classifier, from prepared inputs to a finished run directory."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf
from rich.console import Console

from kerasbert import progress
from kerasbert.checkpoints import RunDirectory
from kerasbert.config import Config
from kerasbert.data import Columns
from kerasbert.data.load import write_left_out, write_rows
from kerasbert.data.table import Table, write_table
from kerasbert.engine.loop import Loop
from kerasbert.engine.optimizer import build_optimizer
from kerasbert.engine.progress_reporter import ProgressReporter
from kerasbert.engine.schedule import build_schedule
from kerasbert.engine.session import session
from kerasbert.engine.strategy import choose_strategy, is_chief, require_even_batch
from kerasbert.engine.trainer import Trainer
from kerasbert.files import make_directory, write_json
from kerasbert.interrupts import kept
from kerasbert.language import tr
from kerasbert.models import Classifier, build_backbone, build_model
from kerasbert.training.continuation import earlier_run, keep_classifier
from kerasbert.training.distillation import Distillation
from kerasbert.training.fine_tuning import FineTuning, columns
from kerasbert.training.fingerprint import fingerprint
from kerasbert.training.finish import TrainResult, finish, load_result
from kerasbert.training.objective import build_objective
from kerasbert.training.opening import opening
from kerasbert.training.prepare import Prepared, prepare
from kerasbert.training.rates import rate_of
from kerasbert.training.reopen import in_order_of, reopen
from kerasbert.training.training_rows import TrainingRows


def train(
    config: Config | Prepared,
    console: Console | None = None,
    resume: bool = False,
    strategy: tf.distribute.Strategy | None = None,
    on_epoch: Callable[[int, dict[str, float]], None] | None = None,
    tables: Mapping[str, Table] | None = None,
    warned: set[str] | None = None,
) -> TrainResult:
    """Trains a classifier and writes a run directory.

    Ctrl-C ends the training early with what was reached saved; SIGTERM saves a checkpoint first.

    Args:
        config: the configuration, or what `prepare` made of it.
        console: where progress is shown. None: nowhere.
        resume: continue the unfinished training in `run_dir` from its last checkpoint.
        strategy: to train under. None: what the configuration names.
        on_epoch: called with each epoch, from 1, and its validation metrics; may raise to end it all.
        tables: rows in memory, in the place of the files of these names; see `prepare`.
        warned: warnings that another training has shown, which are not repeated; new ones are added.

    Raises:
        UserError: the configuration or the data cannot be trained on, or the run not resumed.
        PreemptedError: SIGTERM came.
        KerasBertError: the training diverged, or another worker was lost.
    """
    given = config.config if isinstance(config, Prepared) else config
    strategy = strategy or choose_strategy(given.training)  # first of all: see there
    with progress.shown(console if is_chief(strategy) else None):
        prepared = config if isinstance(config, Prepared) else prepare(config, tables)
        return _train_or_resume(prepared, strategy, resume, on_epoch, set() if warned is None else warned)


def _train_or_resume(
    prepared: Prepared,
    strategy: tf.distribute.Strategy,
    resume: bool,
    on_epoch: Callable[[int, dict[str, float]], None] | None,
    warned: set[str],
) -> TrainResult:
    run = RunDirectory(prepared.config.run_dir)
    if resume and run.labels.is_file():
        prepared = in_order_of(run, prepared)
    settings = prepared.config.training
    require_even_batch(strategy, settings.batch_size, settings.accumulation_steps)
    rows = TrainingRows(prepared, strategy.num_replicas_in_sync)

    def set_up() -> None:
        if resume:
            reopen(run, prepared)
        else:
            _write_inputs(run, prepared)

    with session(run, settings, strategy, resume, set_up):
        _warn([*prepared.warnings, *rows.warnings], warned)
        result = _train(prepared, run, strategy, rows, resume, on_epoch)
    return load_result(prepared, run) if result is None else result


def _warn(warnings: list[str], warned: set[str]) -> None:
    for warning in warnings:
        if warning not in warned:
            progress.note(tr("warning: {warning}", warning=warning))
            warned.add(warning)


def _write_inputs(run: RunDirectory, prepared: Prepared) -> None:
    """Writes the files of the run that are known before the first step."""
    columns_of_data = Columns.from_config(prepared.config.data, prepared.task.label_separator)
    for path, table in prepared.tables.items():
        make_directory(Path(path).parent)
        write_table(Path(path), table, columns_of_data)
    run.save_setup(prepared.config, prepared.vocabulary, prepared.task.labels)
    write_json(run.data, fingerprint(prepared, prepared.config.distillation.teacher))
    left_out = prepared.train.left_out + prepared.validation.left_out
    if left_out:
        write_left_out(run.left_out, left_out)
    if len(prepared.augmented):
        write_rows(run.augmented, prepared.augmented)


def _train(
    prepared: Prepared,
    run: RunDirectory,
    strategy: tf.distribute.Strategy,
    rows: TrainingRows,
    resume: bool,
    on_epoch: Callable[[int, dict[str, float]], None] | None,
) -> TrainResult | None:
    """Trains, and on the chief finishes the run."""
    settings = prepared.config.training
    progress.note(opening(prepared, rows, strategy))
    # The one note about a run is that its classifier stayed behind.
    for note in prepared.source.notes if prepared.source and not prepared.config.head.keep else ():
        progress.note(f"backbone.source: {note}")
    total_steps = rows.steps * settings.epochs
    with progress.phase("building the model"), strategy.scope():
        model = _initial_model(prepared)
        rates = rate_of(settings, model.encoder.num_layers)
        schedule = build_schedule(settings, total_steps)
        optimizer = build_optimizer(settings, schedule, rates, settings.ema_decay)
        objective = build_objective(model, prepared.task, prepared.config)
        extra = objective.variables if isinstance(objective, Distillation) else []
        trainer = Trainer(
            model,
            optimizer,
            objective,
            strategy,
            settings.accumulation_steps,
            extra,
            jit_compile=settings.jit_compile,
        )
    recipe = FineTuning(prepared, run, trainer, rows)
    reporter = ProgressReporter(columns(prepared.task.label_separator is not None))
    loop = Loop(recipe, trainer, schedule, run, settings, reporter)
    start = time.perf_counter()
    interrupted = False
    try:
        with reporter, loop.termination:
            for record in loop.run(resume):
                if on_epoch:
                    on_epoch(record["epoch"], _validation_metrics(record))
    except KeyboardInterrupt:
        interrupted = True
        progress.note(
            f"Ended at step {loop.position.step:,} of {total_steps:,}; what was reached is measured and "
            "kept. Ctrl-C leaves that out."
        )
        if not loop.position.best.epoch:
            recipe.save_weights()
    if not is_chief(strategy):
        return None
    seconds = time.perf_counter() - start
    with kept(f"{run.path} is trained but not evaluated: continue with --resume"):
        return finish(prepared, run, loop.position.best.epoch, seconds, interrupted)


def _validation_metrics(record: Mapping[str, Any]) -> dict[str, float]:
    return {name.removeprefix("val_"): value for name, value in record.items() if name.startswith("val_")}


def _initial_model(prepared: Prepared) -> Classifier:
    config = prepared.config
    backbone = build_backbone(
        config.backbone, len(prepared.vocabulary), config.training.precision, config.window_length
    )
    if prepared.source:
        prepared.source.copy_to(backbone)
    model = build_model(backbone, prepared.task, config.head)
    if run := earlier_run(config):
        keep_classifier(model, prepared.task.labels, run)
    if config.training.lora_rank:
        # LoRA (Hu et al. 2022), which freezes the rest of the encoder.
        backbone.enable_lora(config.training.lora_rank)
    return model
