import numpy as np
import tensorflow as tf

from kerasbert.corpus.examples import NEXT, NO_PAIR, Example
from kerasbert.corpus.records import parse, serialize


def test_a_batch_brings_the_examples_back():
    pair = Example([2, 7, 8, 3, 9, 3], [0, 1, 1, 0, 2, 0], 4, NEXT)
    single = Example([2, 7, 3], [0, 1, 0], 3, NO_PAIR)
    batch = parse(tf.constant([serialize(pair), serialize(single)]), pad=0)
    expected = {
        "token_ids": [[2, 7, 8, 3, 9, 3], [2, 7, 3, 0, 0, 0]],
        "segment_ids": [[0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0]],
        "padding_mask": [[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0]],
        "words": [[0, 1, 1, 0, 2, 0], [0, 1, 0, 0, 0, 0]],
        "label": [NEXT, NO_PAIR],
    }
    assert batch.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(batch[name], values)
        assert batch[name].dtype == tf.int32
