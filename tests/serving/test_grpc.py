"""The official stubs as a client."""

import grpc
import numpy as np
import pytest
import tensorflow as tf
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)


@pytest.fixture(scope="module")
def channel(server):
    with server.channel() as channel:
        yield channel


@pytest.fixture(scope="module")
def stub(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


def predict(signature: str = "", name: str = "m", outputs=(), **inputs) -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest(output_filter=outputs)
    request.model_spec.name, request.model_spec.signature_name = name, signature
    for key, value in inputs.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
    return request


def with_examples(request, signature: str, *values: float):
    if not isinstance(request, inference_pb2.MultiInferenceRequest):
        request.model_spec.name, request.model_spec.signature_name = "m", signature
    for value in values:
        request.input.example_list.examples.add().features.feature["x"].float_list.value.append(value)
    return request


def refused(call, request, code: grpc.StatusCode, **settings) -> str:
    with pytest.raises(grpc.RpcError) as caught:
        call(request, **{"timeout": 60, **settings})
    assert caught.value.code() == code
    return caught.value.details()


def test_predict(stub):
    response = stub.Predict(predict(x=np.float32([1, 2, 5])), timeout=60)
    assert list(response.outputs["y"].float_val) == [2.5, 3.0, 4.5]
    assert tf.make_ndarray(response.outputs["y"]).tolist() == [2.5, 3.0, 4.5]
    spec = response.model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == ("m", 1, "serving_default")


def test_every_type_comes_back(stub):
    inputs = {"i": np.int32([[7]])[0], "flag": np.array([True]), "wide": np.float64([0.1])}
    outputs = stub.Predict(predict("numbers", **inputs), timeout=60).outputs
    assert list(outputs["i"].int_val) == [7]
    assert list(outputs["flag"].bool_val) == [False]
    assert list(outputs["wide"].double_val) == [0.1]
    texts = [b"\xff\x00", "天".encode()]
    outputs = stub.Predict(predict("texts", text=texts), timeout=60).outputs
    assert list(outputs["same"].string_val) == texts
    half = stub.Predict(predict("half", x=np.float32([0.5])), timeout=60).outputs["half"]
    assert tf.make_ndarray(half).tolist() == [0.5]


def test_outputs_can_be_chosen(stub):
    response = stub.Predict(predict("texts", text=["a"], outputs=["length"]), timeout=60)
    assert list(response.outputs) == ["length"]


def test_an_empty_batch_is_answered(stub):
    response = stub.Predict(predict(x=np.zeros(0, np.float32)), timeout=60)
    assert tf.make_ndarray(response.outputs["y"]).shape == (0,)


X = np.float32([1.0])


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        (predict_pb2.PredictRequest(), "INVALID_ARGUMENT", "Missing ModelSpec"),
        (predict(name="", x=X), "INVALID_ARGUMENT", "ModelSpec has no name specified."),
        (predict(name="x", x=X), "NOT_FOUND", "Servable not found for request: Latest(x)"),
        (predict("no", x=X), "FAILED_PRECONDITION", 'Serving signature key "no" not found.'),
        (
            predict(),
            "INVALID_ARGUMENT",
            "input size does not match signature: 0!=1 len({}) != len({x}). Sent extra: {}. "
            "Missing but required: {x}.",
        ),
        (
            predict(x=X, z=X),
            "INVALID_ARGUMENT",
            "input size does not match signature: 2!=1 len({x,z}) != len({x}). Sent extra: {z}. "
            "Missing but required: {}.",
        ),
        (
            predict(z=X),
            "INVALID_ARGUMENT",
            "Signature input alias: x(feed name: half_plus_x:0) not found in request and no default value "
            "provided. Inputs expected to be in the request {z}, or default input alias set: ",
        ),
        (
            predict(x=X, outputs=["z"]),
            "INVALID_ARGUMENT",
            "output tensor alias not found in signature: z Outputs expected to be in the set {y}.",
        ),
        (predict(x=X, outputs=["y", "y"]), "INVALID_ARGUMENT", "duplicate output tensor alias: y"),
        (predict(x=["a"]), "INVALID_ARGUMENT", "Expects arg[0] to be float but string is provided"),
        (predict(x=[[1.0]]), "INVALID_ARGUMENT", "input x must have the shape (None,). Received: [1, 1]"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_predict_is_refused(stub, request_, code, message):
    details = refused(stub.Predict, request_, getattr(grpc.StatusCode, code))
    if "feed name" in message:  # the name of the placeholder is TensorFlow's choice
        assert details.startswith("Signature input alias: x(feed name: ")
    else:
        assert details == message


@pytest.mark.parametrize("shape", [[1 << 40], [-1], [1] * 100])
def test_a_tensor_that_is_not_what_it_says_is_refused(stub, shape):
    request = predict(x=X)
    tensor = request.inputs["x"]
    tensor.ClearField("tensor_shape")
    for size in shape:
        tensor.tensor_shape.dim.add().size = size
    assert refused(stub.Predict, request, grpc.StatusCode.INVALID_ARGUMENT) == "tensor parsing error: x"


def test_one_value_may_stand_for_a_whole_tensor(stub):
    request = predict(x=X)
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(1.0, tf.float32))
    request.inputs["x"].tensor_shape.dim.add().size = 3
    assert list(stub.Predict(request, timeout=60).outputs["y"].float_val) == [2.5] * 3


def test_a_label_or_version_that_is_not_there_is_refused(stub):
    request = predict(x=X)
    request.model_spec.version_label = "x"
    message = refused(stub.Predict, request, grpc.StatusCode.INVALID_ARGUMENT)
    assert message == "Unrecognized servable version label: x"
    request.model_spec.version.value = 1
    assert stub.Predict(request, timeout=60).model_spec.version.value == 1


def test_classify_and_regress(stub):
    request = with_examples(classification_pb2.ClassificationRequest(), "classify", 0.25, 1.0)
    response = stub.Classify(request, timeout=60)
    rows = [[(c.label, c.score) for c in row.classes] for row in response.result.classifications]
    assert rows == [[("no", 0.75), ("yes", 0.25)], [("no", 0.0), ("yes", 1.0)]]
    request = with_examples(regression_pb2.RegressionRequest(), "regress", 1.0, 2.0)
    response = stub.Regress(request, timeout=60)
    assert [r.value for r in response.result.regressions] == [2.5, 3.0]
    assert response.model_spec.signature_name == "regress"


def test_classify_without_examples_or_with_another_signature_is_refused(stub):
    request = with_examples(classification_pb2.ClassificationRequest(), "classify")
    assert refused(stub.Classify, request, grpc.StatusCode.INVALID_ARGUMENT) == "Input is empty."
    request = with_examples(classification_pb2.ClassificationRequest(), "regress", 1.0)
    message = refused(stub.Classify, request, grpc.StatusCode.FAILED_PRECONDITION)
    assert message.startswith(
        'Expected classification signature outputs to contain at least one of "classes"'
    )


def multi(*tasks: tuple[str, str, str]) -> inference_pb2.MultiInferenceRequest:
    request = with_examples(inference_pb2.MultiInferenceRequest(), "", 0.5)
    for name, signature, method in tasks:
        task = request.tasks.add(method_name=f"tensorflow/serving/{method}")
        task.model_spec.name, task.model_spec.signature_name = name, signature
    return request


def test_multi_inference(stub):
    response = stub.MultiInference(
        multi(("m", "classify", "classify"), ("m", "regress", "regress")), timeout=60
    )
    classify, regress = response.results
    assert [c.score for c in classify.classification_result.classifications[0].classes] == [0.5, 0.5]
    assert regress.regression_result.regressions[0].value == 2.25
    assert regress.model_spec.version.value == 1


@pytest.mark.parametrize(
    ("tasks", "code", "message"),
    [
        ([("", "classify", "classify")], "INVALID_ARGUMENT", "Found ModelSpec with an empty model name."),
        ([("m", "regress", "regress")] * 2, "INVALID_ARGUMENT", "Duplicate evaluation of signature: regress"),
        (
            [("m", "regress", "regress"), ("x", "classify", "classify")],
            "INVALID_ARGUMENT",
            "All ModelSpecs in a MultiInferenceRequest must access the same model name.",
        ),
        (
            [("m", "regress", "predict")],
            "UNIMPLEMENTED",
            "Unsupported signature method_name: tensorflow/serving/predict",
        ),
    ],
)
def test_a_wrong_multi_inference_is_refused(stub, tasks, code, message):
    assert refused(stub.MultiInference, multi(*tasks), getattr(grpc.StatusCode, code)) == message


def test_metadata(stub):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "m"
    packed = stub.GetModelMetadata(request, timeout=60).metadata["signature_def"]
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert packed.Unpack(signatures)
    assert "classify" in signatures.signature_def
    request.metadata_field[:] = ["other"]
    refused(stub.GetModelMetadata, request, grpc.StatusCode.INVALID_ARGUMENT)
    request.metadata_field[:] = []
    refused(stub.GetModelMetadata, request, grpc.StatusCode.INVALID_ARGUMENT)


def test_status_and_reload(channel):
    models = model_service_pb2_grpc.ModelServiceStub(channel)
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "m"
    (status,) = models.GetModelStatus(request, timeout=60).model_version_status
    assert (status.version, status.state) == (1, get_model_status_pb2.ModelVersionStatus.AVAILABLE)
    request.model_spec.name = "x"
    refused(models.GetModelStatus, request, grpc.StatusCode.NOT_FOUND)
    reload = model_management_pb2.ReloadConfigRequest()
    message = refused(models.HandleReloadConfigRequest, reload, grpc.StatusCode.UNIMPLEMENTED)
    assert "--model-config-file" in message


def test_health(channel):
    health = health_pb2_grpc.HealthStub(channel)
    assert health.Check(health_pb2.HealthCheckRequest(), timeout=60).status == 1
    service = "tensorflow.serving.PredictionService"
    assert health.Check(health_pb2.HealthCheckRequest(service=service), timeout=60).status == 1


def test_a_deadline_is_kept(stub):
    slow = predict("slow", rounds=np.int32([200_000]))
    refused(stub.Predict, slow, grpc.StatusCode.DEADLINE_EXCEEDED, timeout=0.2)


def test_a_message_that_is_too_large_is_refused(stub):
    request = predict("texts", text=["x" * 20_000_000])
    refused(stub.Predict, request, grpc.StatusCode.RESOURCE_EXHAUSTED)
