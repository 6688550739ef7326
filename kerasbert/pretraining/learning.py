"""Learning from a teacher: the objective of the phases of texts."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from kerasbert.config import TeacherConfig

# Of the similarities within a batch, as in contrastive training.
_TEMPERATURE = 0.05
_ITSELF = 1e4


class Learning:
    """Compares a student's states with those of its teacher, whatever the width of both.

    Cosine distances between linear projections of the student's states and the centred states of the
    teacher: of each token, and of the means over texts. Further the divergence between the softmaxes of
    the cosines of each text with the others of its batch (after Passalis & Tefas 2018,
    https://arxiv.org/abs/1803.10837).

    Args:
        model: the student, with a layer `backbone`.
        width: of the teacher's states.
        config: weights of the parts.
    """

    def __init__(self, model: keras.Model, width: int, config: TeacherConfig):
        self._model, self._config = model, config
        self._backbone = model.get_layer("backbone")
        self._tokens = _projection(self._backbone.hidden_dim, width, "token_projection")
        self._texts = _projection(self._backbone.hidden_dim, width, "text_projection")

    @property
    def variables(self) -> list[keras.Variable]:
        """What is learned besides the student, and not kept."""
        weights = []
        if self._config.token_weight:
            weights += self._tokens.trainable_variables
        if self._config.text_weight or self._config.relation_weight:
            weights += self._texts.trainable_variables
        return weights

    def __call__(
        self, inputs: Any, targets: Mapping[str, tf.Tensor], weights: Mapping[str, tf.Tensor]
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Returns the loss and its metrics, like every objective; see `TextBatches` for the batch."""
        config = self._config
        encoded = self._encode(inputs, training=True)
        of_tokens, of_texts, student = self._cosines(encoded, inputs["padding_mask"], targets)
        relations = _divergence(student, tf.nn.l2_normalize(targets["texts"], axis=-1))
        rows = tf.cast(tf.size(relations), tf.float32)
        loss = config.token_weight * tf.reduce_mean((1.0 - of_tokens) * weights["tokens"])
        loss += config.text_weight * tf.reduce_mean((1.0 - of_texts) * weights["texts"])
        loss += config.relation_weight * tf.reduce_mean(relations)
        metrics = {
            "tokens_cosine": _sums(of_tokens, weights["tokens"]),
            "texts_cosine": _sums(of_texts, weights["texts"]),
            "relations": tf.stack([tf.reduce_sum(relations), rows]),
        }
        if config.masked_lm_weight:
            mlm_head = self._model.get_layer("mlm_head")
            logits = tf.cast(
                mlm_head(encoded["sequence_output"], mask_positions=inputs["mask_positions"]), tf.float32
            )
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets["mlm"], logits)
            right = tf.argmax(logits, axis=-1, output_type=targets["mlm"].dtype) == targets["mlm"]
            metrics["mlm_loss"] = _sums(losses, weights["mlm"])
            metrics["mlm_accuracy"] = _sums(tf.cast(right, tf.float32), weights["mlm"])
            loss += config.masked_lm_weight * tf.reduce_mean(losses * weights["mlm"])
        return loss, {"loss": tf.stack([loss * rows, rows]), **metrics}

    def sums(
        self, inputs: Any, targets: Mapping[str, tf.Tensor], weights: Mapping[str, tf.Tensor]
    ) -> dict[str, tf.Tensor]:
        """Returns the sum and the number of the cosines of a batch, for validation: float32 [2] each."""
        encoded = self._encode(inputs, training=False)
        of_tokens, of_texts, _ = self._cosines(encoded, inputs["padding_mask"], targets)
        real = tf.cast(weights["tokens"] > 0, tf.float32)
        return {
            "tokens_cosine": _sums(of_tokens, real),
            "texts_cosine": _sums(of_texts, weights["texts"]),
        }

    def _encode(self, inputs: Any, training: bool) -> dict[str, Any]:
        names = ("token_ids", "segment_ids", "padding_mask")
        return self._backbone({name: inputs[name] for name in names}, training=training)

    def _cosines(
        self, encoded: Mapping[str, Any], padding_mask: tf.Tensor, targets: Mapping[str, tf.Tensor]
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns cosines of tokens [batch, length] and texts [batch], and the student's unit vectors."""
        states = tf.cast(encoded["sequence_output"], tf.float32)
        lengths = tf.reduce_sum(tf.cast(padding_mask, tf.float32), axis=1, keepdims=True)
        means = tf.reduce_sum(states, axis=1) / lengths  # states are zero in padding
        student = tf.nn.l2_normalize(self._texts(means), axis=-1)
        return (
            _cosine(self._tokens(states), tf.cast(targets["tokens"], tf.float32)),
            _cosine(student, targets["texts"]),
            student,
        )


def _projection(hidden_dim: int, width: int, name: str) -> keras.layers.Dense:
    layer = keras.layers.Dense(width, dtype="float32", name=name)
    layer.build([None, hidden_dim])
    return layer


def _cosine(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.nn.l2_normalize(a, axis=-1) * tf.nn.l2_normalize(b, axis=-1), axis=-1)


def _divergence(student: tf.Tensor, teacher: tf.Tensor) -> tf.Tensor:
    """Returns KL(teacher || student) of each text's softmax over the others of the global batch: [batch]."""
    everyone, first = [student, teacher], 0
    context = tf.distribute.get_replica_context()
    if context and context.num_replicas_in_sync > 1:
        everyone = [context.all_gather(vectors, axis=0) for vectors in everyone]
        first = context.replica_id_in_sync_group * tf.shape(student)[0]
    columns = tf.shape(everyone[0])[0]
    itself = _ITSELF * tf.one_hot(first + tf.range(tf.shape(student)[0]), columns)
    logs = [
        tf.nn.log_softmax(tf.matmul(own, all_, transpose_b=True) / _TEMPERATURE - itself)
        for own, all_ in zip((student, teacher), everyone, strict=True)
    ]
    return tf.reduce_sum(tf.exp(logs[1]) * (logs[1] - logs[0]), axis=-1)


def _sums(values: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    return tf.stack([tf.reduce_sum(values * weights), tf.reduce_sum(weights)])
