"""Warm-up requests: a server runs them before it announces the model, so broken models never serve."""

from pathlib import Path

import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from kerasbert.files import make_directory

_BATCHES = (1, 8)
_TEXT = "预热：今天天气很好，我们去公园散步。"


def write_warmup(version: Path, takes_pairs: bool) -> Path:
    """Writes `assets.extra/tf_serving_warmup_requests` (TFRecord of PredictionLog)."""
    path = version / "assets.extra" / "tf_serving_warmup_requests"
    make_directory(path.parent)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for batch in _BATCHES:
            request = predict_pb2.PredictRequest()
            request.model_spec.signature_name = "serving_default"
            for name in ("text", "pair") if takes_pairs else ("text",):
                request.inputs[name].CopyFrom(tf.make_tensor_proto([_TEXT] * batch, tf.string))
            log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
            writer.write(log.SerializeToString())
    return path
