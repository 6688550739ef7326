"""Pre-trains a backbone, from corpora to a checkpoint for `backbone.source`."""

import shutil
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf
from rich.console import Console

from kerasbert import progress
from kerasbert.checkpoints import save_hugging_face
from kerasbert.config import PretrainingConfig
from kerasbert.engine.loop import Loop
from kerasbert.engine.optimizer import build_optimizer
from kerasbert.engine.progress_reporter import ProgressReporter
from kerasbert.engine.resume import require_same_config
from kerasbert.engine.schedule import build_schedule
from kerasbert.engine.session import session
from kerasbert.engine.strategy import choose_strategy, devices, is_chief, require_even_batch
from kerasbert.engine.trainer import Trainer
from kerasbert.errors import UserError
from kerasbert.files import remove_temporaries
from kerasbert.interrupts import kept
from kerasbert.models import build_backbone, build_pretraining_model
from kerasbert.pretraining.learning import Learning
from kerasbert.pretraining.model_card import write_model_card
from kerasbert.pretraining.objective import pretraining_objective
from kerasbert.pretraining.prepare import PreparedPretraining, prepare_pretraining
from kerasbert.pretraining.recipe import PretrainingRecipe, columns
from kerasbert.pretraining.run import PretrainingRun
from kerasbert.pretraining.starting_vectors import ordinary_tokens, set_starting_vectors
from kerasbert.pretraining.teacher_states import open_states
from kerasbert.pretraining.teaching import compute_all_states, open_batches, states_cache


@dataclass(frozen=True)
class PretrainingResult:
    """The result of a pre-training."""

    run: PretrainingRun
    metrics: dict[str, Any]
    interrupted: bool
    kept: int = 0  # steps until the last checkpoint
    chief: bool = True  # False on the other workers of a cluster, which write nothing


def pretrain(
    config: PretrainingConfig | PreparedPretraining, console: Console | None = None, resume: bool = False
) -> PretrainingResult:
    """Pre-trains a backbone and leaves it as a Hugging Face folder.

    Ctrl-C ends the training with a checkpoint to resume from, and so does SIGTERM.

    Args:
        config: the configuration, or what `prepare_pretraining` made of it.
        console: where progress is shown. None: nowhere.
        resume: continue the unfinished training in `run_dir` from its last checkpoint.

    Raises:
        UserError: the configuration does not fit the corpora, or the run cannot be resumed.
        PreemptedError: SIGTERM came.
        DivergedError: the loss is not finite, or far above where it began.
        KerasBertError: another worker was lost.
    """
    given = config.config if isinstance(config, PreparedPretraining) else config
    strategy = choose_strategy(given.training)  # first of all: see there
    prepared = config if isinstance(config, PreparedPretraining) else prepare_pretraining(config)
    settings = prepared.config.training
    for place, phase in enumerate(prepared.config.phases):
        require_even_batch(strategy, phase.batch_size, key=f"phases.{place}.batch_size")
    run = PretrainingRun(prepared.config.run_dir)

    def set_up() -> None:
        if resume:
            _reopen(run, prepared)
        else:
            run.save_setup(prepared)
        compute_all_states(prepared, states_cache(prepared))

    shown = progress.shown(console if is_chief(strategy) else None)
    with shown, session(run, settings, strategy, resume, set_up):
        return _pretrain(prepared, run, strategy, resume)


def _pretrain(
    prepared: PreparedPretraining,
    run: PretrainingRun,
    strategy: tf.distribute.Strategy,
    resume: bool,
) -> PretrainingResult:
    config, settings = prepared.config, prepared.config.training
    schedule = build_schedule(settings, prepared.total_steps)
    batches = open_batches(prepared, states_cache(prepared))
    with progress.phase("building the model"), strategy.scope():
        model = _initial_model(prepared)
        learning = Learning(model, prepared.teacher.width, config.teacher) if prepared.teacher else None
        optimizer = build_optimizer(settings, schedule)
        extra = learning.variables if learning else []
        trainer = Trainer(
            model, optimizer, pretraining_objective(model, learning), strategy, extra_variables=extra
        )
    progress.note(_opening(prepared, strategy))
    recipe, reporter = (
        PretrainingRecipe(prepared, model, batches, learning),
        ProgressReporter(columns(config)),
    )
    loop = Loop(recipe, trainer, schedule, run, settings, reporter)
    last: dict[str, Any] = {}
    try:
        with reporter, loop.termination:
            for record in loop.run(resume):
                last = record
    except KeyboardInterrupt:
        return PretrainingResult(run, last, interrupted=True, kept=loop.saved_step)
    if not is_chief(strategy):
        return PretrainingResult(run, last, interrupted=False, chief=False)
    with kept(f"{run.path} is trained but not finished: continue with --resume"):
        return _finish(prepared, run, model, recipe)


def _opening(prepared: PreparedPretraining, strategy: tf.distribute.Strategy) -> str:
    """Summarises a pre-training."""
    return "\n".join(
        [
            *(
                f"{examples}; {phase.steps:,} steps of {phase.batch_size}"
                for phase, examples in zip(prepared.config.phases, prepared.phases, strict=True)
            ),
            f"device: {devices(strategy)}",
            f"of {prepared.total_steps:,} steps",
        ]
    )


def _initial_model(prepared: PreparedPretraining) -> keras.Model:
    config = prepared.config
    backbone = build_backbone(config.backbone, len(prepared.vocabulary), config.training.precision)
    model = build_pretraining_model(backbone, config.backbone, config.pairs, config.masked_lm)
    if prepared.source:
        prepared.source.copy_to(backbone)
        found = prepared.source.copy_heads_to(model)
        wanted = ["mlm_head"] * config.masked_lm + ["nsp_head"] * config.pairs
        missing = [name for name in wanted if name not in found]
        if missing:
            progress.note(
                f"{config.backbone.source} has no weights for {' and '.join(missing)}: random to begin with."
            )
    elif config.teacher.starting_vectors and prepared.teacher:
        tokens = ordinary_tokens(prepared.vocabulary)
        states = open_states(states_cache(prepared), prepared.teacher, list(tokens.values()))
        share = set_starting_vectors(backbone, prepared.vocabulary, states)
        progress.note(f"starting vectors: {len(tokens):,} tokens, {share:.1%} of the teacher's variance")
    return model


def _reopen(run: PretrainingRun, prepared: PreparedPretraining) -> None:
    if run.metrics.is_file():
        raise UserError(f"{run.path}: this run is finished. There is nothing to resume.")
    require_same_config(run, prepared.config)
    run.require_same(prepared)
    remove_temporaries(run.path)


def _finish(
    prepared: PreparedPretraining, run: PretrainingRun, model: keras.Model, recipe: PretrainingRecipe
) -> PretrainingResult:
    metrics = {
        "held_out": recipe.held_out(),
        "steps": prepared.total_steps,
        "seconds": round(run.seconds(), 1),
    }
    save_hugging_face(run.path, model, prepared.config.backbone, prepared.text, prepared.vocabulary)
    write_model_card(run.model_card, prepared, model.get_layer("backbone").count_params(), metrics)
    run.save_metrics(metrics)
    shutil.rmtree(run.checkpoints, ignore_errors=True)
    if prepared.teacher and not prepared.config.teacher.cache:
        shutil.rmtree(states_cache(prepared), ignore_errors=True)
    return PretrainingResult(run, metrics, interrupted=False)
