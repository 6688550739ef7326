"""Texts unlike the others, which the rows themselves say: nobody has to name the usual ones."""

import random
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from kerasbert import progress
from kerasbert.checkpoints import open_source
from kerasbert.data import Row
from kerasbert.models import build_backbone, mean_embeddings
from kerasbert.models.outliers import OutlierDetector
from kerasbert.predictors.predict import Arrays, in_batches, stack_answers
from kerasbert.text import TextGraph, string_tensor
from kerasbert.training.outliers import fit_distances, squares_by_length

LEAST_ROWS = 200
_MOST_ROWS = 20_000  # that are compared; all rows are measured by them
_MOST_TOKENS = 256
_USUAL = 0.75  # share of the rows that are taken for usual
_TURNS = 3
_BATCH = 64


def outlier_distances(rows: Sequence[Row], source: str) -> np.ndarray:
    """Returns how far each text is from the others, float32 [rows]; about 1 is usual.

    As `decision.reject_outliers` of a run measures it (see `OutlierDetector`), but these rows have outliers
    among them, whose like would hide one another: the mean and the covariance are those of the nearest three
    quarters, in three turns, at first by the median and its absolute deviations (after the concentration
    steps of Rousseeuw & Van Driessen 1999). Takes 4 bytes a row.

    Args:
        rows: at least `LEAST_ROWS`.
        source: of an encoder, whose input embeddings are used; see `open_source`.
    """
    embed = _Embeddings(source, rows[0].pair is not None)
    some = random.Random(0).sample(rows, min(len(rows), _MOST_ROWS))
    found = stack_answers(in_batches(embed, some, size=_BATCH))
    means, tokens = found["mean"], found["tokens"]
    detector = OutlierDetector(means.shape[1])
    middle = np.median(means, axis=0)
    scales = np.median(np.abs(means - middle), axis=0) + 1e-6
    squares = squares_by_length(np.sum(((means - middle) / scales) ** 2, axis=1), tokens)
    detector.set(middle, np.diag(1 / scales), squares)
    for _ in range(_TURNS):
        distances = detector(means, tokens).numpy()
        usual = distances <= np.quantile(distances, _USUAL)
        detector.set(*fit_distances(means[usual], tokens[usual]))

    def measure(texts: Sequence[str], pairs: Sequence[str] | None) -> Arrays:
        answer = embed(texts, pairs)
        return {"distance": detector(answer["mean"], answer["tokens"]).numpy()}

    measured = progress.track(in_batches(measure, rows, size=_BATCH), "looking for outliers", len(rows))
    return np.fromiter((answer["distance"] for _, answer in measured), np.float32, len(rows))


class _Embeddings:
    """The mean input embedding and the number of tokens of each text.

    Args:
        source: of the encoder.
        takes_pairs: whether a row is two texts.
    """

    def __init__(self, source: str, takes_pairs: bool):
        opened = open_source(source)
        encoder = build_backbone(opened.config, len(opened.vocabulary))
        opened.copy_to(encoder)
        length = min(opened.config.max_positions, _MOST_TOKENS)
        text_graph = TextGraph(opened.vocabulary, length, **opened.text)

        def graph(text: tf.Tensor, pair: tf.Tensor | None = None) -> tuple[tf.Tensor, tf.Tensor]:
            inputs = text_graph(text, pair)
            return mean_embeddings(encoder.embed(inputs), inputs)

        strings = tf.TensorSpec([None], tf.string)
        self._graph = tf.function(graph, input_signature=[strings] * (1 + takes_pairs))

    def __call__(self, texts: Sequence[str], pairs: Sequence[str] | None) -> Arrays:
        columns = [string_tensor(of) for of in (texts, pairs) if of is not None]
        return dict(zip(("mean", "tokens"), (of.numpy() for of in self._graph(*columns)), strict=True))
