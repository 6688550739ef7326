"""Stores examples as TFRecords of tf.train.Example."""

import tensorflow as tf

from kerasbert.corpus.examples import Example

_RAGGED = {name: tf.io.RaggedFeature(tf.int64, row_splits_dtype=tf.int64) for name in ("ids", "words")}
_SINGLE = {name: tf.io.FixedLenFeature([], tf.int64) for name in ("second", "label")}


def serialize(example: Example) -> bytes:
    """Returns an example as a tf.train.Example."""
    features = {
        "ids": example.ids,
        "words": example.words,
        "second": [example.second],
        "label": [example.label],
    }
    return tf.train.Example(
        features=tf.train.Features(
            feature={
                name: tf.train.Feature(int64_list=tf.train.Int64List(value=values))
                for name, values in features.items()
            }
        )
    ).SerializeToString(deterministic=True)


def parse(records: tf.Tensor, pad: int) -> dict[str, tf.Tensor]:
    """Parses a batch of records, string [batch].

    Returns:
        `token_ids`, `segment_ids`, `padding_mask`, `words`: int32 [batch, length], where length is the
        length of the longest example; `label`: int32 [batch].
    """
    features = tf.io.parse_example(records, {**_RAGGED, **_SINGLE})
    ids = features["ids"]
    token_ids = tf.cast(ids.to_tensor(default_value=pad), tf.int32)
    words = tf.cast(features["words"].to_tensor(), tf.int32)
    position = tf.range(tf.shape(token_ids, tf.int64)[1])[None, :]
    real = position < ids.row_lengths()[:, None]
    in_second = (position >= features["second"][:, None]) & real
    return {
        "token_ids": token_ids,
        "segment_ids": tf.cast(in_second, tf.int32),
        "padding_mask": tf.cast(real, tf.int32),
        "words": words,
        "label": tf.cast(features["label"], tf.int32),
    }
