"""A pre-training, from corpora to a backbone that `backbone.source` takes."""

import contextlib
import math
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console

from kerasbert import progress
from kerasbert.checkpoints import save_hugging_face
from kerasbert.config import PretrainingConfig
from kerasbert.engine.optimizer import build_optimizer
from kerasbert.engine.state import restore_state, save_state, state_files
from kerasbert.engine.strategy import (
    choose_strategy,
    devices,
    distribute,
    explain_lost_worker,
    is_chief,
    require_even_batch,
    wait_for_all,
)
from kerasbert.engine.table import Table
from kerasbert.engine.trainer import Totals, Trainer
from kerasbert.errors import ConfigError, KerasBertError, UserError
from kerasbert.files import exclusive_lock, remove_temporaries
from kerasbert.interrupts import kept
from kerasbert.models import build_backbone, build_pretraining_model
from kerasbert.pretraining.batches import training_batches
from kerasbert.pretraining.model_card import write_model_card
from kerasbert.pretraining.objective import pretraining_objective
from kerasbert.pretraining.prepare import PreparedPretraining, prepare_pretraining
from kerasbert.pretraining.run import PretrainingRun
from kerasbert.pretraining.table import pretraining_table
from kerasbert.pretraining.validate import Validation
from kerasbert.training.reopen import differences


@dataclass(frozen=True)
class PretrainingResult:
    """What a pre-training reached."""

    run: PretrainingRun
    metrics: dict[str, Any]
    interrupted: bool
    kept: int = 0  # steps until the last checkpoint
    chief: bool = True  # False on the other workers of a cluster, which write nothing


@dataclass(frozen=True)
class _Stretch:
    """Steps between two checkpoints, all in one phase."""

    phase: int
    first: int  # step of the whole training
    first_in_phase: int
    steps: int


def pretrain(
    config: PretrainingConfig | PreparedPretraining, console: Console | None = None, resume: bool = False
) -> PretrainingResult:
    """Pre-trains a backbone and leaves it as a Hugging Face folder.

    Each stretch between two checkpoints starts its batches anew at their place, in the same way a
    resumed training does: resuming changes nothing.

    Args:
        config: the configuration, or what `prepare_pretraining` made of it.
        console: where progress is shown. None: nowhere.
        resume: go on with the unfinished training in `run_dir`, at its last checkpoint.

    Raises:
        UserError: the configuration does not fit the corpora, or the run cannot be resumed.
        KerasBertError: the loss stopped being a number.
    """
    given = config.config if isinstance(config, PreparedPretraining) else config
    strategy = choose_strategy(given.training)  # first of all: see there
    chief = is_chief(strategy)
    prepared = config if isinstance(config, PreparedPretraining) else prepare_pretraining(config)
    config, settings = prepared.config, prepared.config.training
    # Replicas divide every batch if they divide their greatest common divisor.
    require_even_batch(strategy, math.gcd(*(phase.batch_size for phase in config.phases)))
    keras.utils.set_random_seed(settings.seed)
    if settings.deterministic:
        tf.config.experimental.enable_op_determinism()
    run = PretrainingRun(config.run_dir)
    if chief and resume:
        _reopen(run, prepared)
    elif chief:
        run.create(config, prepared.corpora)
    shown = progress.shown(console if chief else None)
    with (
        shown,
        explain_lost_worker(run.path),
        exclusive_lock(run.path) if chief else contextlib.nullcontext(),
    ):
        wait_for_all(strategy)
        result = _pretrain(prepared, run, strategy, resume)
        wait_for_all(strategy)  # a worker that leaves early would end the others
    return result


def _pretrain(
    prepared: PreparedPretraining,
    run: PretrainingRun,
    strategy: tf.distribute.Strategy,
    resume: bool,
) -> PretrainingResult:
    config, settings, chief = prepared.config, prepared.config.training, is_chief(strategy)
    with progress.phase("building the model"), strategy.scope():
        model = _initial_model(prepared)
        optimizer = build_optimizer(settings, prepared.total_steps)
        trainer = Trainer(model, optimizer, pretraining_objective(model), strategy)
    step = 0
    if resume and state_files(run.checkpoints):  # none if it was interrupted before the first
        facts, notes = restore_state(run.checkpoints, trainer.variables)
        step = facts["step"]
        for note in notes:
            progress.note(note)
    if chief:
        run.cut_history(step)
    trainer.separate_dropout()

    last: dict[str, Any] = {}
    saved = step
    validation = Validation(model, config)
    table = pretraining_table(config.nsp)
    progress.note(_opening(prepared, strategy))
    table.heads()
    try:
        for stretch in _stretches(config, step):
            figures = _train(trainer, prepared, stretch, validation, table)
            last = {"step": stretch.first + stretch.steps, "phase": stretch.phase, **figures}
            if chief:
                run.add_history(last)  # before the state: a line too many is cut when resuming
                save_state(run.checkpoints, {"step": last["step"]}, trainer.variables)
            saved = last["step"]
            table.line(last)
    except KeyboardInterrupt:
        return PretrainingResult(run, last, interrupted=True, kept=saved)
    finally:
        table.close()
    if not chief:
        return PretrainingResult(run, last, interrupted=False, chief=False)
    with kept(f"{run.path} is trained but not finished: go on with --resume"):
        return _finish(prepared, run, model, validation)


def _opening(prepared: PreparedPretraining, strategy: tf.distribute.Strategy) -> str:
    """Returns what a pre-training is about."""
    return "\n".join(
        [
            *(
                f"corpus: {corpus.path}, {corpus.counts['train'].examples:,} examples of up to "
                f"{corpus.settings.max_length} tokens; {phase.steps:,} steps of {phase.batch_size}"
                for phase, corpus in zip(prepared.config.phases, prepared.corpora, strict=True)
            ),
            f"device: {devices(strategy)}",
            f"of {prepared.total_steps:,} steps",
        ]
    )


def _initial_model(prepared: PreparedPretraining) -> keras.Model:
    config = prepared.config
    backbone = build_backbone(config.backbone, len(prepared.vocabulary), config.training.precision)
    model = build_pretraining_model(backbone, config.backbone, config.nsp)
    if prepared.source:
        prepared.source.copy_to(backbone)
        found = prepared.source.copy_heads_to(model)
        wanted = ["mlm_head", *(["nsp_head"] if config.nsp else [])]
        missing = [name for name in wanted if name not in found]
        if missing:
            progress.note(
                f"{config.backbone.source} has no weights for {' and '.join(missing)}: random to begin with."
            )
    return model


def _stretches(config: PretrainingConfig, step: int) -> Iterator[_Stretch]:
    """Yields what is left to do after `step` steps."""
    every = config.training.checkpoint_every_steps
    begin = 0
    for place, phase in enumerate(config.phases):
        for first in range(0, phase.steps, every):
            steps = min(every, phase.steps - first)
            if begin + first >= step:
                yield _Stretch(place, begin + first, first, steps)
        begin += phase.steps


def _train(
    trainer: Trainer,
    prepared: PreparedPretraining,
    stretch: _Stretch,
    validation: Validation,
    table: Table,
) -> dict[str, float]:
    config = prepared.config
    phase, corpus = config.phases[stretch.phase], prepared.corpora[stretch.phase]
    batches = training_batches(corpus, config, phase.batch_size, stretch.first_in_phase, stretch.first)
    start = time.perf_counter()
    totals = Totals()
    end = stretch.first + stretch.steps
    table.start(f"steps {stretch.first + 1:,} to {end:,}", stretch.steps)
    iterator = distribute(trainer.strategy, batches)
    for step in range(stretch.steps):
        totals.add(trainer.step(iterator))
        table.move(step + 1)
    figures = totals.means()
    seconds = time.perf_counter() - start
    if not np.isfinite(figures["loss"]):
        raise KerasBertError(
            f"step {stretch.first + stretch.steps}: the loss is {figures['loss']}. Lower "
            "training.learning_rate, or use training.precision: float32. The checkpoint before is kept."
        )
    figures["learning_rate"] = trainer.learning_rate
    figures["seconds"] = seconds
    figures["examples_per_second"] = stretch.steps * phase.batch_size / seconds
    held_out = validation(corpus, phase.batch_size)
    return {**figures, **{f"val_{name}": value for name, value in held_out.items()}}


def _reopen(run: PretrainingRun, prepared: PreparedPretraining) -> None:
    begun, now = run.load_config().model_dump(), prepared.config.model_dump()
    if run.metrics.is_file():
        raise UserError(f"{run.path}: this run is finished. There is nothing to resume.")
    other = [key for key in differences(begun, now) if key != "run_dir"]
    if other:
        raise ConfigError(
            f"{', '.join(other)}: differs from what {run.path} was begun with. Resume with its own "
            "pretrain.yaml, or begin anew with another --output."
        )
    run.require_same(prepared.corpora)
    remove_temporaries(run.path)


def _finish(
    prepared: PreparedPretraining,
    run: PretrainingRun,
    model: keras.Model,
    validation: Validation,
) -> PretrainingResult:
    held_out = [
        {"max_length": corpus.settings.max_length, **validation(corpus, phase.batch_size)}
        for phase, corpus in zip(prepared.config.phases, prepared.corpora, strict=True)
    ]
    metrics = {"held_out": held_out, "steps": prepared.total_steps, "seconds": round(run.seconds(), 1)}
    save_hugging_face(run.path, model, prepared.config.backbone, prepared.text, prepared.vocabulary)
    write_model_card(run.model_card, prepared, model.get_layer("backbone").count_params(), metrics)
    run.save_metrics(metrics)
    shutil.rmtree(run.checkpoints, ignore_errors=True)
    return PretrainingResult(run, metrics, interrupted=False)
