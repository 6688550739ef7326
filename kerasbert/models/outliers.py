"""How far a text is from those that the model was trained on."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from kerasbert.errors import CheckpointError, one_line
from kerasbert.files import atomic_path


class OutlierDetector(tf.Module):
    """The Mahalanobis distance of a text's mean token embedding from those of the training rows.

    One mean and one covariance describe all training rows (Lee et al. 2018,
    https://arxiv.org/abs/1807.03888, without its classes). The embeddings are the encoder's input: its last
    layer tells labels apart and forgets what else a text is about. The mean of few tokens is farther by
    chance: a distance is divided by that of training rows of the same length, whose square is a + b / tokens.

    Args:
        hidden_dim: of the embeddings.
    """

    def __init__(self, hidden_dim: int):
        super().__init__(name="outlier_detector")
        self._mean = tf.Variable(tf.zeros([hidden_dim]))
        self._whitening = tf.Variable(tf.eye(hidden_dim))
        # a and b, times the square of the largest distance that is accepted.
        self._squares = tf.Variable(tf.ones([2]))

    def __call__(self, means: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
        """Returns the distance of each row, float32 [batch]: at most 1 if it is accepted.

        Args:
            means: float32 [batch, hidden]; see `mean_embeddings`.
            tokens: number of tokens of each row, int32 [batch].
        """
        square = tf.reduce_sum(tf.square(tf.linalg.matmul(means - self._mean, self._whitening)), axis=1)
        return tf.sqrt(square / (self._squares[0] + self._squares[1] / tf.cast(tokens, tf.float32)))

    def set(self, mean: np.ndarray, whitening: np.ndarray, squares: np.ndarray) -> None:
        """Sets what is learned: float32 [hidden], [hidden, hidden] and [2]; see `fit_outliers`."""
        self._mean.assign(mean)
        self._whitening.assign(whitening)
        self._squares.assign(squares)

    def save(self, path: Path) -> None:
        """Writes what is learned as safetensors."""
        variables = {"mean": self._mean, "whitening": self._whitening, "squares": self._squares}
        tensors = {name: variable.numpy() for name, variable in variables.items()}
        with atomic_path(path) as temporary:
            temporary.write_bytes(save(tensors))

    def load(self, path: Path) -> "OutlierDetector":
        """Reads what `save` wrote.

        Raises:
            CheckpointError: the file is missing, damaged or of another model.
        """
        try:
            tensors = load_file(path)
            self.set(tensors["mean"], tensors["whitening"], tensors["squares"])
        except FileNotFoundError as error:
            raise CheckpointError(
                f"{path}: no such file, and decision.reject_outliers needs it. Restore it or train again."
            ) from error
        except (SafetensorError, OSError, KeyError, ValueError) as error:
            raise CheckpointError(
                f"{path}: is damaged or of another model ({one_line(error)}). Restore it or train again."
            ) from error
        return self


def mean_embeddings(embeddings: tf.Tensor, inputs: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the mean embedding, float32 [batch, hidden], and the number of tokens, int32 [batch], of rows.

    Args:
        embeddings: of the real tokens of `inputs`, float32 [tokens, hidden], row by row; see `Encoder.embed`.
        inputs: token ids as `TextGraph` gives them.
    """
    mask = inputs["padding_mask"]
    # The first place of a row is embedded even if a client masks it.
    real = (mask != 0) | (tf.range(tf.shape(mask)[1]) == 0)
    tokens = tf.math.count_nonzero(real, axis=1, dtype=tf.int32)
    rows = tf.repeat(tf.range(tf.size(tokens)), tokens)
    return tf.math.segment_mean(tf.cast(embeddings, tf.float32), rows), tokens
