"""Calibration rows for int8 exports, to measure the range of the encoder's activations."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from kerasbert.models import TextClassifier

_TOKENS = 2048  # of a batch
_BATCHES = 4  # of rows of several lengths


def calibration_rows(classifier: TextClassifier) -> Iterator[dict[str, tf.Tensor]]:
    """Yields batches of rows as the text graph gives them, of tokens drawn from the vocabulary.

    Not the training rows: an export must not depend on whether they are still at hand.
    """
    graph = classifier.text_graph
    vocabulary, draw = graph.vocabulary, np.random.default_rng(0)
    special = {vocabulary.pad, vocabulary.cls, vocabulary.sep}
    ordinary = np.array([i for i in range(len(vocabulary)) if i not in special], np.int32)
    for length in np.geomspace(6, graph.max_length - 2, _BATCHES).round().astype(int):
        columns = [
            tf.RaggedTensor.from_tensor(draw.choice(ordinary, [max(_TOKENS // length, 1), length]))
            for _ in range(2 if classifier.takes_pairs else 1)
        ]
        yield graph.pack(*columns)
