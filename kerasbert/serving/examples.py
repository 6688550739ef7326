"""The `Input` proto of classify and regress requests."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasbert.serving.errors import invalid


def examples_of(proto: Any) -> tuple[Sequence[Any], bytes]:
    """Returns the `tf.Example`s of an `Input`, and the serialized one that is the context of each.

    Raises:
        ServingError: there are none.
    """
    context, examples = b"", proto.example_list.examples
    if proto.WhichOneof("kind") == "example_list_with_context":
        context = proto.example_list_with_context.context.SerializeToString()
        examples = proto.example_list_with_context.examples
    if not examples:
        raise invalid("Input is empty.")
    return examples, context


def serialized_examples(examples: Sequence[Any], context: bytes) -> np.ndarray:
    """Returns `tf.Example`s serialized, [batch], each with the context in front."""
    array = np.empty(len(examples), object)
    array[:] = [context + example.SerializeToString() for example in examples]
    return array
