"""Reading the `tf.Example`s of classify requests."""

from collections.abc import Collection

import tensorflow as tf


def read_strings(serialized: tf.Tensor, names: Collection[str]) -> dict[str, tf.Tensor]:
    """Returns the features `names`, string [batch].

    A feature that is absent is "". So are the features of an Example that cannot be read, such as one with
    a number for a text: `tf.io.parse_example` would fail the requests beside it too. Where none of a batch
    can be read, the error is TensorFlow's.

    Args:
        serialized: `tf.Example`s, string [batch].
        names: of features with one string each.
    """
    features = dict.fromkeys(names, tf.io.FixedLenFeature([], tf.string, default_value=""))
    rows = tf.shape(serialized, tf.int64)[0]

    def parse(row: tf.Tensor, example: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        return row, tf.io.parse_single_example(example, features)

    # One row more: a batch must not be empty.
    end = tf.data.Dataset.from_tensors((rows, dict.fromkeys(names, "")))
    readable = tf.data.Dataset.from_tensor_slices((tf.range(rows), serialized)).map(parse).ignore_errors()
    places, values = readable.concatenate(end).batch(rows + 1).get_single_element()

    def put_back() -> dict[str, tf.Tensor]:
        empty = tf.fill([rows + 1], "")
        return {
            name: tf.tensor_scatter_nd_update(empty, places[:, None], values[name])[:-1] for name in names
        }

    nothing = (tf.size(places) == 1) & (rows > 0)
    return tf.cond(nothing, lambda: tf.io.parse_example(serialized, features), put_back)
