"""The loss of hierarchical labels."""

import keras
import numpy as np
import tensorflow as tf


class HierarchicalCrossentropy(keras.losses.Loss):
    """The cross-entropy of labels, and of their ancestors by the sums of the probabilities below them.

    Args:
        below: which labels are below which ancestor, bool [ancestors, labels].
        ancestor_weight: of each ancestor's cross-entropy.
        label_smoothing: share of the target spread over all labels.
        focal_gamma: exponent of the focal loss (Lin et al. 2017, eq. 4), on each level.
    """

    def __init__(
        self,
        below: np.ndarray,
        ancestor_weight: float,
        label_smoothing: float = 0.0,
        focal_gamma: float = 0.0,
    ):
        super().__init__(name="hierarchical_crossentropy")
        self._below, self._weight = below, ancestor_weight
        self._smoothing, self._gamma = label_smoothing, focal_gamma

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Returns the loss of each row, float32 [batch], of logits [batch, labels]."""
        targets = tf.cast(y_true, tf.float32)
        targets = targets * (1 - self._smoothing) + self._smoothing / self._below.shape[1]
        of_labels = tf.nn.log_softmax(tf.cast(y_pred, tf.float32))
        loss = self._crossentropy(targets, of_labels)
        if self._weight and len(self._below):
            inside = tf.where(self._below, of_labels[:, None, :], -np.inf)
            above = targets @ tf.constant(self._below.T, tf.float32)
            loss += self._weight * self._crossentropy(above, tf.reduce_logsumexp(inside, axis=-1))
        return loss

    def _crossentropy(self, targets: tf.Tensor, log_probabilities: tf.Tensor) -> tf.Tensor:
        if self._gamma:
            wrong = tf.maximum(-tf.math.expm1(log_probabilities), 1e-7)  # a power of 0 has no gradient
            targets *= wrong**self._gamma
        return -tf.reduce_sum(targets * log_probabilities, axis=-1)
