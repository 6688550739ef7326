"""A training, from prepared inputs to a finished run directory."""

import shutil
import time
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console

from kerasbert.checkpoints import RunDirectory
from kerasbert.config import Config
from kerasbert.data.batches import plan_epoch, slices, tokenize_rows, training_batches
from kerasbert.data.load import write_left_out
from kerasbert.errors import ConfigError
from kerasbert.models import TextClassifier, build_backbone, build_model, build_text_graph
from kerasbert.tasks.metrics import decisions, score_decisions
from kerasbert.text import TextGraph
from kerasbert.training.callbacks import History, KeepBest, ShowProgress, Validate
from kerasbert.training.checkpoint import Checkpoint
from kerasbert.training.model_card import write_model_card
from kerasbert.training.optimizer import build_optimizer
from kerasbert.training.prepare import Prepared, prepare, steps_per_epoch
from kerasbert.training.reopen import reopen
from kerasbert.training.strategy import choose_strategy
from kerasbert.training.trainer import Trainer

_PREDICT_BATCH = 64


@dataclass(frozen=True)
class TrainResult:
    """What a training reached."""

    run: RunDirectory
    classifier: TextClassifier  # with the best weights and the calibrated decision
    metrics: dict[str, Any]  # on the validation rows
    prepared: Prepared
    interrupted: bool


def train(config: Config | Prepared, console: Console | None = None, resume: bool = False) -> TrainResult:
    """Trains a classifier and leaves a run directory.

    Ctrl-C ends the training early with what was reached saved.

    Args:
        config: the configuration, or what `prepare` made of it.
        console: where progress is shown. None: nowhere.
        resume: go on with the unfinished training in `run_dir`, exactly where its last checkpoint is.

    Raises:
        UserError: the configuration or the data cannot be trained on, or the run not resumed.
        KerasBertError: the loss stopped being a number.
    """
    prepared = config if isinstance(config, Prepared) else prepare(config)
    config = prepared.config
    settings = config.training
    keras.utils.set_random_seed(settings.seed)
    if settings.deterministic:
        tf.config.experimental.enable_op_determinism()
    strategy = choose_strategy(settings, settings.batch_size)
    weights = _row_weights(prepared)

    run = RunDirectory(config.run_dir or "")
    if resume:
        reopen(run, prepared)
    else:
        run.create()
        run.save_setup(config, prepared.vocabulary, prepared.task.labels)
        left_out = prepared.train.left_out + prepared.validation.left_out
        if left_out:
            write_left_out(run.left_out, left_out)

    steps = steps_per_epoch(prepared)
    with strategy.scope():
        model = _initial_model(prepared)
        trainer = Trainer(model.input, model.output)
        optimizer = build_optimizer(settings, steps * settings.epochs)
        optimizer.build(trainer.trainable_variables)
        # Neither XLA nor several steps in one call works under every strategy in Keras 3.15.
        trainer.compile(
            optimizer=optimizer,
            loss=prepared.task.loss(settings.label_smoothing),
            jit_compile=False,
        )

    graph = build_text_graph(config, prepared.task, prepared.vocabulary)
    keep_best = KeepBest(model, run, prepared.vocabulary, prepared.task, settings)
    checkpoint = Checkpoint(run.checkpoints, trainer, keep_best, settings.checkpoint_every_steps)
    first_step = 0
    if resume:
        position = checkpoint.restore()
        first_step = position.step
        keep_best.best, keep_best.best_epoch = position.best, position.best_epoch
        run.cut_history(first_step // steps)
    trainer.separate_dropout()

    console = console or Console(quiet=True)
    for note in prepared.source.notes if prepared.source else ():
        console.print(f"backbone.source: {note}", markup=False, emoji=False, highlight=False, soft_wrap=True)
    show = ShowProgress(console, steps, settings.epochs)
    callbacks = [
        Validate(prepared.task, prepared.validation, graph, _even_batch(strategy)),
        keep_best,
        History(run.history, len(prepared.train)),
        checkpoint,
        keras.callbacks.TensorBoard(str(run.tensorboard), write_graph=False),
        show,
    ]
    start = time.perf_counter()
    interrupted = False
    try:
        _fit(trainer, prepared, graph, weights, first_step, callbacks)
    except KeyboardInterrupt:
        interrupted = True
        if not keep_best.best_epoch:
            keep_best.save()
    finally:
        show.close()
    seconds = time.perf_counter() - start
    return _finish(prepared, run, keep_best.best_epoch, seconds, interrupted)


def _fit(
    trainer: Trainer,
    prepared: Prepared,
    graph: TextGraph,
    weights: np.ndarray,
    first_step: int,
    callbacks: list[keras.callbacks.Callback],
) -> None:
    """Runs the epochs from `first_step` on: a begun epoch takes a `fit` of its own."""
    settings = prepared.config.training
    steps = steps_per_epoch(prepared)
    epoch, done = divmod(first_step, steps)
    batches = _batches(prepared, graph, weights, first_step)
    if done:
        rest = steps - done
        trainer.fit(
            batches.take(rest),
            initial_epoch=epoch,
            epochs=epoch + 1,
            steps_per_epoch=rest,
            callbacks=callbacks,
            shuffle=False,
            verbose=0,
        )
        epoch, batches = epoch + 1, batches.skip(rest)
    if epoch < settings.epochs and not trainer.stop_training:
        trainer.fit(
            batches,
            initial_epoch=epoch,
            epochs=settings.epochs,
            steps_per_epoch=steps,
            callbacks=callbacks,
            shuffle=False,
            verbose=0,
        )


def _initial_model(prepared: Prepared) -> keras.Model:
    config = prepared.config
    backbone = build_backbone(config.backbone, len(prepared.vocabulary), config.training.precision)
    if prepared.source:
        prepared.source.copy_to(backbone)
    return build_model(backbone, prepared.task, config.head)


def _batches(prepared: Prepared, graph: TextGraph, weights: np.ndarray, first_step: int) -> tf.data.Dataset:
    """Returns the batches of all epochs from `first_step` on."""
    settings = prepared.config.training
    rows = tokenize_rows(prepared.train, graph)
    lengths = rows.lengths
    plan = np.concatenate(
        [plan_epoch(lengths, settings.batch_size, settings.seed, epoch) for epoch in range(settings.epochs)]
    )
    return training_batches(
        rows,
        prepared.task.targets(prepared.train.labels),
        weights,
        plan[first_step:],
        graph,
        settings.token_dropout,
        settings.seed,
        first_step,
    )


def _even_batch(strategy: tf.distribute.Strategy) -> int:
    replicas = strategy.num_replicas_in_sync
    return -(-_PREDICT_BATCH // replicas) * replicas


def _row_weights(prepared: Prepared) -> np.ndarray:
    """Returns the weight of each training row, float32 [rows], of mean 1 if balanced."""
    chosen = prepared.config.training.class_weights
    labels = prepared.task.labels
    if chosen is None:
        return np.ones(len(prepared.train), np.float32)
    counts = prepared.train.label_counts
    if chosen == "balanced":
        total = sum(counts.values())
        of_label = {label: total / (len(counts) * n) for label, n in counts.items()}
    else:
        of_label = {str(label): weight for label, weight in chosen.items()}
        if set(of_label) != set(labels):
            raise ConfigError(
                f"training.class_weights: must name each label ({', '.join(labels)}). "
                f"Received: {', '.join(of_label)}"
            )
    means = [np.mean([of_label[label] for label in row]) if row else 1.0 for row in prepared.train.labels]
    return np.array(means, np.float32)


def _finish(
    prepared: Prepared, run: RunDirectory, best_epoch: int, seconds: float, interrupted: bool
) -> TrainResult:
    """Loads the best weights as a server would, calibrates the decision, writes the figures."""
    config, task = prepared.config, prepared.task
    classifier = run.load_weights_into(TextClassifier(config, task, prepared.vocabulary))
    rows = prepared.validation
    probabilities = _predict(classifier, prepared)["probabilities"]
    targets = task.targets(rows.labels)
    task.options = task.calibrate(probabilities, targets)
    config.task_options = task.options.model_dump()
    run.save_config(config)

    classifier = run.load_weights_into(TextClassifier(config, task, prepared.vocabulary))
    decided = decisions(_predict(classifier, prepared), len(task.labels))
    metrics = {
        **score_decisions(targets, decided, task.labels),
        "best_epoch": best_epoch,
        "train_rows": len(prepared.train),
        "left_out_rows": len(prepared.train.left_out + prepared.validation.left_out),
        "parameters": classifier.model.count_params(),
        "train_seconds": round(seconds, 1),
        "interrupted": interrupted,
    }
    write_model_card(run.model_card, prepared, metrics)
    if not interrupted:
        shutil.rmtree(run.checkpoints, ignore_errors=True)
    run.save_metrics(metrics)
    return TrainResult(run, classifier, metrics, prepared, interrupted)


def _predict(classifier: TextClassifier, prepared: Prepared) -> dict[str, np.ndarray]:
    rows = prepared.validation
    parts = [
        classifier.predict(rows.texts[part], rows.pairs[part] if rows.pairs else None)
        for part in slices(len(rows), _PREDICT_BATCH)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
