import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from kerasbert.export import NativeModel
from kerasbert.export.warmup import write_warmup


def records(path) -> list[PredictionLog]:
    file = path / "assets.extra" / "tf_serving_warmup_requests"
    return [PredictionLog.FromString(r) for r in tf.data.TFRecordDataset([str(file)]).as_numpy_iterator()]


@pytest.mark.parametrize("name", ["exported", "exported_pairs"])
def test_every_record_is_a_request_that_the_model_answers(request, name):
    path = request.getfixturevalue(name).path
    logs = records(path)
    assert 1 <= len(logs) <= 1000
    assert {log.WhichOneof("log_type") for log in logs} == {"predict_log"}
    requests = [log.predict_log.request for log in logs]
    feeds = [
        (r.model_spec.signature_name, {key: tf.make_ndarray(value) for key, value in r.inputs.items()})
        for r in requests
    ]
    answers = NativeModel(path).run(feeds)
    for (_, inputs), answer in zip(feeds, answers, strict=True):
        assert len(answer["label"]) == len(next(iter(inputs.values())))
        assert np.isfinite(answer["probabilities"]).all()


@pytest.mark.parametrize("takes_pairs", [False, True])
def test_requests_name_the_inputs_of_the_signature(tmp_path, takes_pairs):
    write_warmup(tmp_path, takes_pairs)
    for log in records(tmp_path):
        assert set(log.predict_log.request.inputs) == ({"text", "pair"} if takes_pairs else {"text"})
