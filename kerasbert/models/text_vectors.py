"""One vector for each text: the text graph, the encoder and a pooling over its outputs."""

import tensorflow as tf

from kerasbert.models.windows import Encode
from kerasbert.tasks.head import pool
from kerasbert.text import TextGraph


def text_vectors(
    text_graph: TextGraph,
    encode: Encode,
    text: tf.Tensor,
    pair: tf.Tensor | None = None,
    pooling: str = "mean",
) -> tf.Tensor:
    """Returns a vector for each text, float32 [batch, hidden].

    Args:
        text_graph: of the encoder.
        encode: returns `sequence_output` [batch, length, hidden] for what the text graph gives.
        text: string [batch].
        pair: string [batch], the second text of each row, or None.
        pooling: `mean` or `max` over the real tokens, [CLS] and [SEP] among them, or `cls`: the output at
            [CLS], without BERT's pooler, which is only trained for next sentence prediction. Of a text of
            several windows, the mean over those at their [CLS].
    """
    inputs = text_graph(text, pair)
    encoded = encode(inputs)
    sequence, mask = tf.cast(encoded["sequence_output"], tf.float32), inputs["padding_mask"]
    if pooling == "cls":  # where windows begin
        sequence, mask = (values[:, :: text_graph.max_length] for values in (sequence, mask))
        pooling = "mean"
    return tf.convert_to_tensor(pool({"sequence_output": sequence}, mask, pooling))
