"""Runs a version's warm-up requests before it is announced as available."""

from pathlib import Path
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from kerasbert.layout import WARMUP_REQUESTS
from kerasbert.serving.errors import ServingError, invalid, to_serving_error
from kerasbert.serving.examples import examples_of, serialized_examples
from kerasbert.serving.servable import DEFAULT_SIGNATURE, Servable
from kerasbert.serving.tensors import to_array

_MOST_RECORDS = 1000


def warm_up(servable: Servable, path: Path) -> None:
    """Runs the warm-up file of a version, if it has one.

    Raises:
        ServingError: a record cannot be read or run.
    """
    file = path / WARMUP_REQUESTS
    if not file.is_file():
        return
    try:
        for index, record in enumerate(tf.data.TFRecordDataset(str(file)).as_numpy_iterator()):
            if index >= _MOST_RECORDS:
                raise invalid(f"Number of warmup records exceeds the maximum ({_MOST_RECORDS})")
            log = prediction_log_pb2.PredictionLog.FromString(record)
            for signature, inputs in _runs(log):
                if signature not in servable.signatures:
                    raise invalid(f'Serving signature key "{signature}" not found.')
                servable.run(signature, inputs)
    except Exception as error:  # on any error the version is not served
        reason = to_serving_error(error)
        raise ServingError(reason.code, f"{path}: the warm-up failed ({reason.message}).") from error


def _runs(log: Any) -> list[tuple[str, dict[str, np.ndarray]]]:
    kind = log.WhichOneof("log_type")
    if kind == "predict_log":
        request = log.predict_log.request
        inputs = {name: to_array(name, proto) for name, proto in request.inputs.items()}
        return [(request.model_spec.signature_name or DEFAULT_SIGNATURE, inputs)]
    if kind in ("classify_log", "regress_log", "multi_inference_log"):
        request = getattr(log, kind).request
        tasks = request.tasks if kind == "multi_inference_log" else [request]
        inputs = {"inputs": serialized_examples(*examples_of(request.input))}
        return [(task.model_spec.signature_name or DEFAULT_SIGNATURE, inputs) for task in tasks]
    raise ServingError(grpc.StatusCode.UNIMPLEMENTED, f"Unsupported log_type for warmup: {kind}")
