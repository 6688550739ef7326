"""The `Input` proto of classify and regress requests."""

from typing import Any

import numpy as np

from kerasbert.serving.errors import invalid


def serialized_examples(proto: Any) -> np.ndarray:
    """Returns the serialized `tf.Example`s of an `Input`, [batch], each with the context in front.

    Raises:
        ServingError: there are none.
    """
    context, examples = b"", proto.example_list.examples
    if proto.WhichOneof("kind") == "example_list_with_context":
        context = proto.example_list_with_context.context.SerializeToString()
        examples = proto.example_list_with_context.examples
    if not examples:
        raise invalid("Input is empty.")
    array = np.empty(len(examples), object)
    array[:] = [context + example.SerializeToString() for example in examples]
    return array
