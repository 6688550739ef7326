"""The metrics on the validation rows: under any strategy those of one device."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kerasbert import progress
from kerasbert.data.batches import prediction_batches, tokenize_rows
from kerasbert.engine.strategy import distribute
from kerasbert.models import build_text_graph
from kerasbert.tasks.metrics import decisions, score_decisions
from kerasbert.training.prepare import Prepared

_BATCH = 64


class Validation:
    """Loss, accuracy and F1 of a model, from the task's own decisions."""

    def __init__(self, model: keras.Model, prepared: Prepared, strategy: tf.distribute.Strategy):
        rows, self._task, self._strategy = prepared.validation, prepared.task, strategy
        graph = build_text_graph(prepared.config, prepared.task, prepared.vocabulary)
        replicas = strategy.num_replicas_in_sync
        batch_size = -(-_BATCH // replicas) * replicas
        self._batches, self._order = prediction_batches(tokenize_rows(rows, graph), graph, batch_size)
        self._targets = prepared.task.targets(rows.labels)

        @tf.function
        def predict(iterator: Iterator[Any]) -> tf.Tensor:
            inputs = next(iterator)
            logits = strategy.run(lambda inputs: model(inputs, training=False), args=(inputs,))
            return strategy.gather(logits, axis=0)

        self._predict = predict

    def __call__(self) -> dict[str, float]:
        """Returns `loss`, `accuracy`, `macro_f1` and `micro_f1` of the current model."""
        iterator = distribute(self._strategy, self._batches)
        count = int(self._batches.cardinality())
        parts = [
            self._predict(iterator).numpy()
            for _ in progress.track(range(count), "validating", count, "batches")
        ]
        in_order = np.concatenate(parts)[: len(self._order)]
        logits = np.empty_like(in_order)
        logits[self._order] = in_order
        outputs = self._task.decide(tf.constant(logits))
        arrays = {name: value.numpy() for name, value in outputs.items()}
        labels = self._task.labels
        scores = score_decisions(self._targets, decisions(arrays, len(labels)), labels)
        return {
            "loss": float(self._task.loss()(self._targets, logits)),
            **{name: scores[name] for name in ("accuracy", "macro_f1", "micro_f1")},
        }
