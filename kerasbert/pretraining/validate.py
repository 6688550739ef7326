"""Validation metrics on held-out examples."""

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kerasbert.config import PretrainingConfig
from kerasbert.corpus import Corpus
from kerasbert.pretraining.batches import validation_batches
from kerasbert.pretraining.learning import Learning
from kerasbert.pretraining.text_batches import TextBatches

_Tensors = dict[str, tf.Tensor]
# Enough for two digits of the perplexity, however large the corpus.
_MOST_EXAMPLES = 4096


class Validation:
    """Evaluates a model on held-out examples, always with the same masks."""

    def __init__(self, model: keras.Model, config: PretrainingConfig, learning: Learning | None = None):
        self._config = config
        self._cosines = tf.function(learning.sums, reduce_retracing=True) if learning else None

        @tf.function(reduce_retracing=True)
        def sums(inputs: _Tensors, targets: _Tensors, weights: _Tensors) -> _Tensors:
            outputs = model(inputs, training=False)
            return {name: _sums(outputs[name], targets[name], weights[name]) for name in outputs}

        self._sums = sums

    def __call__(self, examples: Corpus | TextBatches, batch_size: int) -> dict[str, float]:
        """Returns the metrics of a phase.

        Of a corpus `mlm_loss`, `mlm_accuracy`, `perplexity` and, with pairs, `nsp_loss`, `nsp_accuracy`; of
        texts `tokens_cosine` and `texts_cosine`. Empty where nothing is held out.
        """
        if isinstance(examples, TextBatches):
            totals = self._totals(examples.validation(batch_size), self._cosines, batch_size)
            return {name: float(total / count) for name, (total, count) in totals.items() if count}
        batches = validation_batches(examples, self._config, batch_size)
        totals = self._totals(batches, self._sums, batch_size)
        metrics = {}
        for name, (loss, right, count) in totals.items():
            if count:
                metrics[f"{name}_loss"] = float(loss / count)
                metrics[f"{name}_accuracy"] = float(right / count)
        if "mlm_loss" in metrics:
            metrics["perplexity"] = math.exp(min(metrics["mlm_loss"], 700.0))
        return metrics

    @staticmethod
    def _totals(batches: tf.data.Dataset, sums: Any, batch_size: int) -> dict[str, np.ndarray]:
        totals: dict[str, np.ndarray] = {}
        for batch in batches.take(-(-_MOST_EXAMPLES // batch_size)):
            for name, of_batch in sums(*batch).items():
                totals[name] = totals.get(name, 0.0) + of_batch.numpy()
        return totals


def _sums(logits: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Returns the sum of losses, the number of correct predictions and of predictions: float64 [3]."""
    real = tf.cast(weights > 0, tf.float64)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
    right = tf.argmax(logits, axis=-1, output_type=targets.dtype) == targets
    values = (tf.cast(losses, tf.float64), tf.cast(right, tf.float64), tf.ones_like(real))
    return tf.stack([tf.reduce_sum(value * real) for value in values])
