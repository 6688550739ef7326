"""Warm-up requests: a server runs them before it announces the model, so broken models never serve."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from kerasbert.files import make_directory
from kerasbert.layout import WARMUP_REQUESTS
from kerasbert.text import TextGraph

Request = tuple[str, Mapping[str, tf.Tensor]]  # a signature and its inputs

_BATCHES = (1, 8)
_EXPLAIN = "explain"  # costs many times what the others do: one row is enough
_TEXT = "预热：今天天气很好，我们去公园散步。"


def write_warmup(version: Path, requests: Iterable[Request]) -> Path:
    """Writes `assets.extra/tf_serving_warmup_requests` (TFRecord of PredictionLog)."""
    path = version / WARMUP_REQUESTS
    make_directory(path.parent)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for name, inputs in requests:
            request = predict_pb2.PredictRequest()
            request.model_spec.signature_name = name
            for key, values in inputs.items():
                request.inputs[key].CopyFrom(tf.make_tensor_proto(values))
            log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
            writer.write(log.SerializeToString())
    return path


def warmup_requests(signatures: Mapping[str, Any], text_graph: TextGraph) -> Iterator[Request]:
    """Yields requests for every signature: what runs for the first time takes seconds.

    Args:
        signatures: the concrete functions by name.
        text_graph: of the model.
    """
    text = tf.constant([_TEXT])
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[_TEXT.encode()]))
    example = tf.train.Example(features=tf.train.Features(feature={"text": feature, "pair": feature}))
    row = {
        "text": text,
        "pair": text,
        "label": tf.constant([""]),
        "inputs": tf.constant([example.SerializeToString()]),
        **text_graph(text),
    }
    for name, function in signatures.items():
        inputs = [spec.name for spec in tf.nest.flatten(function.structured_input_signature)]
        for batch in (1,) if name == _EXPLAIN else _BATCHES:
            yield name, {key: tf.repeat(row[key], batch, axis=0) for key in inputs}
