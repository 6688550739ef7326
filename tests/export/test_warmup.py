import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from kerasbert.export import NativeModel

pytestmark = pytest.mark.process


def records(path) -> list[PredictionLog]:
    file = path / "assets.extra" / "tf_serving_warmup_requests"
    return [PredictionLog.FromString(r) for r in tf.data.TFRecordDataset([str(file)]).as_numpy_iterator()]


@pytest.mark.parametrize("name", ["exported", "exported_pairs", "exported_bfloat16"])
def test_every_signature_has_requests_and_the_model_answers_them(request, name):
    path = request.getfixturevalue(name).path
    logs = records(path)
    assert len(logs) <= 1000
    assert {log.WhichOneof("log_type") for log in logs} == {"predict_log"}
    feeds = [
        (
            log.predict_log.request.model_spec.signature_name,
            {key: tf.make_ndarray(value) for key, value in log.predict_log.request.inputs.items()},
        )
        for log in logs
    ]
    model = NativeModel(path)
    offered = {
        signature: set(spec.inputs)
        for signature, spec in model.signatures.items()
        if not signature.startswith("__")
    }
    assert {signature: set(inputs) for signature, inputs in feeds} == offered
    for (_, inputs), answer in zip(feeds, model.run(feeds), strict=True):
        rows = len(next(iter(inputs.values())))
        for value in answer.values():
            assert len(value) == rows
            assert value.dtype == object or np.isfinite(value).all()
