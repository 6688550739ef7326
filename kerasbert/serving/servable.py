"""A loaded version of a model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401 - registers the ops of the text graph
from tensorflow.core.protobuf import saved_model_pb2

from kerasbert.errors import one_line
from kerasbert.layout import GRAPH
from kerasbert.serving.errors import ServingError, invalid, to_serving_error
from kerasbert.serving.tensors import dtype_of, type_name

Arrays = Mapping[str, np.ndarray]
DEFAULT_SIGNATURE = "serving_default"


class Servable:
    """A SavedModel and its signatures.

    Args:
        path: the version directory.

    Raises:
        ServingError: the SavedModel cannot be loaded.
    """

    def __init__(self, path: Path):
        self.version = int(path.name)
        self.in_flight = 0  # requests that use this version, counted by `Models`
        try:
            proto = saved_model_pb2.SavedModel()
            proto.ParseFromString((path / GRAPH).read_bytes())
            graphs = [graph for graph in proto.meta_graphs if "serve" in graph.meta_info_def.tags]
            self.signatures: Mapping[str, Any] = graphs[0].signature_def
            # Keep the object: its signatures only have weak references to its variables.
            self._loaded = tf.saved_model.load(str(path), tags=["serve"])
        except Exception as error:  # a damaged file can raise anything
            code, reason = to_serving_error(error).code, one_line(error) or type(error).__name__
            raise ServingError(code, f"{path}: cannot be loaded ({reason}).") from error

    def check(self, signature: str, inputs: Mapping[str, tuple[tf.DType, Sequence[int]]]) -> None:
        """Raises `ServingError` if the types and shapes of inputs do not match a signature."""
        infos = self.signatures[signature].inputs
        for index, (name, (received, shape)) in enumerate(inputs.items()):
            dtype = tf.as_dtype(infos[name].dtype)
            if received != dtype:
                raise invalid(
                    f"Expects arg[{index}] to be {type_name(dtype)} but {type_name(received)} is provided"
                )
            # TensorFlow Serving leaves shapes to the graph. With one dimension too many, as in [["text"]],
            # most graphs fail with an unhelpful message, so check this here.
            wanted = tf.TensorShape(infos[name].tensor_shape)
            if wanted.rank is not None and len(shape) > wanted.rank:
                raise invalid(f"input {name} must have the shape {wanted}. Received: {list(shape)}")

    def run(self, signature: str, inputs: Arrays) -> dict[str, np.ndarray]:
        """Returns the outputs of one signature.

        Args:
            signature: the name of the signature.
            inputs: an array for each input; strings as object arrays of bytes.

        Raises:
            ServingError: the inputs do not match the signature, or the graph failed.
        """
        self.check(signature, {name: (dtype_of(array), array.shape) for name, array in inputs.items()})
        feeds = {name: tf.constant(array, dtype_of(array)) for name, array in inputs.items()}
        try:
            outputs = self._loaded.signatures[signature](**feeds)
            return {name: _to_array(tensor) for name, tensor in outputs.items()}
        except tf.errors.OpError as error:
            raise to_serving_error(error) from error
        except UnicodeDecodeError as error:  # TensorFlow's error quotes an input that is not UTF-8
            raise invalid(error.object.decode("utf-8", "replace")) from error

    def batches(self, signature: str) -> bool:
        """Whether every input and output of a signature has rows, so that requests can be batched."""
        spec = self.signatures[signature]
        return all(
            info.tensor_shape.dim and info.tensor_shape.dim[0].size == -1
            for info in (*spec.inputs.values(), *spec.outputs.values())
        )


def _to_array(tensor: tf.Tensor) -> np.ndarray:
    return np.asarray(tensor.numpy(), object if tensor.dtype == tf.string else None)
