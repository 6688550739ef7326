"""Converts the bodies of `:classify` and `:regress` requests to `tf.Example`s."""

from typing import Any

import tensorflow as tf
from tensorflow_serving.apis import input_pb2

from kerasbert.serving.background import Steps
from kerasbert.serving.errors import invalid
from kerasbert.serving.json_text import to_bytes
from kerasbert.serving.json_values import from_base64, is_object, kind_of, lossless, malformed


def example_input(document: dict[str, Any]) -> Steps[input_pb2.Input]:
    """Returns the examples of a `:classify` or `:regress` body.

    Yields:
        Nothing, after each value.
    """
    result = input_pb2.Input()
    target: Any = result.example_list
    if "context" in document:
        target = result.example_list_with_context
        yield from _fill(target.context, document["context"])
    if "examples" not in document:
        raise malformed(document, "When method is classify, key 'examples' is expected and was not found")
    examples = document["examples"]
    if not isinstance(examples, list):
        raise malformed(document, "Expecting 'examples' value to be an list/array")
    if not examples:
        raise malformed(document, "'examples' value is an empty array")
    for value in examples:
        yield from _fill(target.examples.add(), value)
    return result


def _fill(example: tf.train.Example, value: Any) -> Steps[None]:
    if not isinstance(value, dict):
        raise invalid(f"Example must be JSON object but got JSON {kind_of(value)}")
    for name, content in value.items():
        feature = example.features.feature[to_bytes(name).decode("utf-8", "replace")]
        for item in content if isinstance(content, list) else [content]:
            _add_to_feature(item, name, feature)
            yield


def _add_to_feature(value: Any, name: str, feature: tf.train.Feature) -> None:
    if value is None or isinstance(value, list) or is_object(value):
        raise invalid(f"Feature: {name} has element with unexpected JSON type: {kind_of(value)}")
    kind, item = _typed(value)
    other = feature.WhichOneof("kind")
    if other not in (None, f"{kind}_list"):
        raise invalid(
            f"Unexpected element type in feature: {name} expecting type: {other.removesuffix('_list')}"
        )
    if kind == "int64" and item >= 2**63:
        raise invalid(f"Feature: {name} has uint64 element. Only int64 is supported.")
    getattr(feature, f"{kind}_list").value.append(item)


def _typed(value: Any) -> tuple[str, Any]:
    if isinstance(value, dict):
        return "bytes", from_base64(value)
    if isinstance(value, str):
        return "bytes", to_bytes(value)
    if isinstance(value, float) or not -(2**63) <= value < 2**64:
        return "float", lossless(value, tf.float32)
    return "int64", int(value)
