"""Validation metrics on held-out examples."""

import math

import keras
import numpy as np
import tensorflow as tf

from kerasbert.config import PretrainingConfig
from kerasbert.corpus import Corpus
from kerasbert.pretraining.batches import validation_batches

_Tensors = dict[str, tf.Tensor]
# Enough for two digits of the perplexity, however large the corpus.
_MOST_EXAMPLES = 4096


class Validation:
    """Evaluates a model on held-out examples, always with the same masks."""

    def __init__(self, model: keras.Model, config: PretrainingConfig):
        self._config = config

        @tf.function(reduce_retracing=True)
        def sums(inputs: _Tensors, targets: _Tensors, weights: _Tensors) -> _Tensors:
            outputs = model(inputs, training=False)
            return {name: _sums(outputs[name], targets[name], weights[name]) for name in outputs}

        self._sums = sums

    def __call__(self, corpus: Corpus, batch_size: int) -> dict[str, float]:
        """Returns `mlm_loss`, `mlm_accuracy`, `perplexity` and, with pairs, `nsp_loss`, `nsp_accuracy`.

        Empty where nothing is held out.
        """
        batches = validation_batches(corpus, self._config, batch_size)
        totals: dict[str, np.ndarray] = {}
        for batch in batches.take(-(-_MOST_EXAMPLES // batch_size)):
            for name, sums in self._sums(*batch).items():
                totals[name] = totals.get(name, 0.0) + sums.numpy()
        metrics = {}
        for name, (loss, right, count) in totals.items():
            if count:
                metrics[f"{name}_loss"] = float(loss / count)
                metrics[f"{name}_accuracy"] = float(right / count)
        if "mlm_loss" in metrics:
            metrics["perplexity"] = math.exp(min(metrics["mlm_loss"], 700.0))
        return metrics


def _sums(logits: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Returns the sum of losses, the number of correct predictions and of predictions: float64 [3]."""
    real = tf.cast(weights > 0, tf.float64)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
    right = tf.argmax(logits, axis=-1, output_type=targets.dtype) == targets
    values = (tf.cast(losses, tf.float64), tf.cast(right, tf.float64), tf.ones_like(real))
    return tf.stack([tf.reduce_sum(value * real) for value in values])
