"""A training, from prepared inputs to a finished run directory."""

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
from kerasbert.errors import ConfigError
from kerasbert.models import TextClassifier, build_backbone, build_model, build_text_graph
from kerasbert.tasks.metrics import decisions, score_decisions
from kerasbert.training.callbacks import History, KeepBest, ShowProgress, Validate
from kerasbert.training.model_card import write_model_card
from kerasbert.training.optimizer import build_optimizer
from kerasbert.training.prepare import Prepared, prepare, steps_per_epoch
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


def train(config: Config | Prepared, console: Console | None = None) -> TrainResult:
    """Trains a classifier and leaves a run directory.

    Ctrl-C ends the training early with what was reached saved.

    Args:
        config: the configuration, or what `prepare` made of it.
        console: where progress is shown. None: nowhere.

    Raises:
        UserError: the configuration or the data cannot be trained on.
        KerasBertError: the loss stopped being a number.
    """
    prepared = config if isinstance(config, Prepared) else prepare(config)
    config = prepared.config
    settings = config.training
    keras.utils.set_random_seed(settings.seed)
    if settings.deterministic:
        tf.config.experimental.enable_op_determinism()
    strategy = choose_strategy(settings)
    weights = _row_weights(prepared)

    run = RunDirectory(config.run_dir or "")
    run.create()
    run.save_setup(config, prepared.vocabulary, prepared.task.labels)
    if prepared.train.left_out:
        prepared.train.write_left_out(run.left_out)

    steps = steps_per_epoch(prepared)
    with strategy.scope():
        model = _initial_model(prepared)
        trainer = Trainer(model.input, model.output)
        # Neither XLA nor several steps in one call works under every strategy in Keras 3.15.
        trainer.compile(
            optimizer=build_optimizer(settings, steps * settings.epochs),
            loss=prepared.task.loss(settings.label_smoothing),
            jit_compile=False,
        )
        trainer.separate_dropout()

    graph = build_text_graph(config, prepared.task, prepared.vocabulary)
    validate = Validate(prepared.task, prepared.validation, graph, _even_batch(strategy))
    keep_best = KeepBest(model, run, prepared.vocabulary, prepared.task, settings)
    show = ShowProgress(console or Console(quiet=True), steps, settings.epochs)
    callbacks = [
        validate,
        keep_best,
        History(run.history, len(prepared.train)),
        keras.callbacks.TensorBoard(str(run.tensorboard), write_graph=False),
        show,
    ]
    start = time.perf_counter()
    interrupted = False
    try:
        trainer.fit(
            _all_epochs(prepared, graph, weights),
            epochs=settings.epochs,
            steps_per_epoch=steps,
            callbacks=callbacks,
            shuffle=False,
            verbose=0,
        )
    except KeyboardInterrupt:
        interrupted = True
        if not keep_best.best_epoch:
            keep_best.save()
    finally:
        show.close()
    seconds = time.perf_counter() - start
    return _finish(prepared, run, keep_best.best_epoch, seconds, interrupted)


def _initial_model(prepared: Prepared) -> keras.Model:
    config = prepared.config
    backbone = build_backbone(config.backbone, len(prepared.vocabulary), config.training.precision)
    if prepared.source:
        prepared.source.copy_to(backbone)
    return build_model(backbone, prepared.task, config.head)


def _all_epochs(prepared: Prepared, graph: Any, weights: np.ndarray) -> tf.data.Dataset:
    settings = prepared.config.training
    rows = tokenize_rows(prepared.train, graph)
    lengths = rows.lengths
    plan = np.concatenate(
        [plan_epoch(lengths, settings.batch_size, settings.seed, epoch) for epoch in range(settings.epochs)]
    )
    targets = prepared.task.targets(prepared.train.labels)
    return training_batches(rows, targets, weights, plan, graph, settings.token_dropout, settings.seed)


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
        "left_out_rows": len(prepared.train.left_out),
        "parameters": classifier.model.count_params(),
        "train_seconds": round(seconds, 1),
        "interrupted": interrupted,
    }
    write_model_card(run.model_card, prepared, metrics)
    run.save_metrics(metrics)
    return TrainResult(run, classifier, metrics, prepared, interrupted)


def _predict(classifier: TextClassifier, prepared: Prepared) -> dict[str, np.ndarray]:
    rows = prepared.validation
    parts = [
        classifier.predict(rows.texts[part], rows.pairs[part] if rows.pairs else None)
        for part in slices(len(rows), _PREDICT_BATCH)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
