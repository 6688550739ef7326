"""The `Input` proto of classify and regress requests."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasbert.serving.errors import invalid


def examples_of(proto: Any) -> tuple[Sequence[Any], bytes]:
    """Returns the `tf.Example`s of an `Input`, and their serialized common context.

    Raises:
        ServingError: there are no examples.
    """
    context, examples = b"", proto.example_list.examples
    if proto.WhichOneof("kind") == "example_list_with_context":
        context = proto.example_list_with_context.context.SerializeToString()
        examples = proto.example_list_with_context.examples
    if not examples:
        raise invalid("Input is empty.")
    return examples, context


def serialized_examples(examples: Sequence[Any], context: bytes) -> np.ndarray:
    """Returns serialized `tf.Example`s, [batch], each prefixed with the context."""
    array = np.empty(len(examples), object)
    array[:] = [context + example.SerializeToString() for example in examples]
    return array
