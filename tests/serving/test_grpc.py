"""The official stubs as a client."""

import time

import grpc
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.internal import encoder
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from hypothesis import given
from hypothesis import strategies as st
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

from kerasbert.serving.background import finish
from kerasbert.serving.proto_reader import read_message

pytestmark = pytest.mark.process


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


@pytest.mark.parametrize("shape", [[1, 1 << 40], [-1], [1] * 100])
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


@pytest.mark.parametrize(
    "service", ["", "PredictionService", "ModelService", "tensorflow.serving.PredictionService"]
)
def test_health(channel, service):
    health = health_pb2_grpc.HealthStub(channel)
    assert health.Check(health_pb2.HealthCheckRequest(service=service), timeout=60).status == 1


def test_reflection_tells_every_service_and_message(channel):
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    ask = reflection_pb2.ServerReflectionRequest
    symbol = "tensorflow.serving.PredictRequest"
    services, found = stub.ServerReflectionInfo(
        iter([ask(list_services=""), ask(file_containing_symbol=symbol)]), timeout=60
    )
    names = {service.name for service in services.list_services_response.service}
    assert {"tensorflow.serving.PredictionService", "tensorflow.serving.ModelService"} < names
    files = map(FileDescriptorProto.FromString, found.file_descriptor_response.file_descriptor_proto)
    assert "PredictRequest" in {message.name for file in files for message in file.message_type}


def test_streams_that_never_end_leave_room_for_requests(server, stub):
    with server.channel() as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch
        watching = [watch(health_pb2.HealthCheckRequest()) for _ in range(105)]
        statuses = [next(one).status for one in watching[:90]]
        with pytest.raises(grpc.RpcError) as caught:
            next(watching[104])
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
        assert set(statuses) == {1}
        assert stub.Predict(predict(x=X), timeout=60).outputs["y"].float_val[:] == [2.5]
        for one in watching:
            one.cancel()


def test_strings_may_be_packed_as_tensorflow_packs_them(stub):
    request = predict("texts", text=[b"a", b"bc"])
    text = request.inputs["text"]
    text.ClearField("string_val")
    text.tensor_content = b"\x01\x02abc"
    assert stub.Predict(request, timeout=60).outputs["same"].string_val[:] == [b"a", b"bc"]
    for wrong in (b"\x01\x02ab", b"\x01\x02abcd", b"\x01", b"\xff\xff\xff\xff\xff\xff"):
        text.tensor_content = wrong
        assert "tensor parsing error" in refused(stub.Predict, request, grpc.StatusCode.INVALID_ARGUMENT)


def test_rows_are_counted_before_they_are_taken(stub):
    request = predict("texts", text=["a"])
    request.inputs["text"].tensor_shape.dim[0].size = 4097  # one value for all
    message = refused(stub.Predict, request, grpc.StatusCode.INVALID_ARGUMENT)
    assert message == "input text has 4097 rows; a request for texts may have 4096"


def test_names_are_looked_at_before_tensors(stub):
    request = predict(x=X)
    for name in ("y", "z"):
        request.inputs[name].dtype = 3  # and no value: it cannot be read
    message = refused(stub.Predict, request, grpc.StatusCode.INVALID_ARGUMENT)
    assert message.startswith("input size does not match signature: 3!=1")


def test_examples_are_counted_before_they_are_taken(stub):
    request = with_examples(classification_pb2.ClassificationRequest(), "classify")
    for _ in range(4097):
        request.input.example_list.examples.add()
    message = refused(stub.Classify, request, grpc.StatusCode.INVALID_ARGUMENT)
    assert message == "the input has 4097 rows; a request for classify may have 4096"


def test_a_context_is_counted_for_each_of_its_examples(stub):
    request = classification_pb2.ClassificationRequest()
    request.model_spec.name, request.model_spec.signature_name = "m", "classify"
    given = request.input.example_list_with_context
    given.context.features.feature["more"].bytes_list.value.append(b"x" * 50_000)
    given.examples.add()
    assert len(stub.Classify(request, timeout=60).result.classifications) == 1
    for _ in range(1000):
        given.examples.add()
    message = refused(stub.Classify, request, grpc.StatusCode.INVALID_ARGUMENT)
    assert "including the context of each; this server accepts 16777216" in message


def test_what_is_no_message_is_refused(channel):
    call = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    for wrong in (b"\xff", b"\x0a\x7f", b"\x0b", b"\xff" * 20, b"\x0a\x05\x0a\x7fabc"):
        refused(call, wrong, grpc.StatusCode.INTERNAL)


def test_millions_of_tiny_strings_hold_nobody_up(server, channel):
    call = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    tensor = b"\x08\x07" + b"\x42\x00" * 4_000_000  # a string tensor
    entry = b"\x0a\x04text\x12" + encoder._VarintBytes(len(tensor)) + tensor
    future = call.future(b"\x12" + encoder._VarintBytes(len(entry)) + entry, timeout=60)
    slowest = 0.0
    while not future.done():
        start = time.monotonic()
        assert server.get().status_code == 200
        slowest = max(slowest, time.monotonic() - start)
    assert "more than 131072 fields" in future.details()
    assert slowest < 1.0


messages = st.builds(
    lambda texts, numbers, name: predict(name, text=texts, x=np.float32(numbers)),
    st.lists(st.binary(max_size=5), min_size=1),
    st.lists(st.floats(width=32, allow_nan=False), max_size=300),
    st.text(max_size=5),
)


@given(messages)
def test_a_message_is_read_as_it_was_written(request_):
    content = request_.SerializeToString()
    assert finish(read_message(predict_pb2.PredictRequest, content, 200 + len(content))) == request_


def test_a_deadline_is_kept(stub):
    slow = predict("slow", rounds=np.int32([200_000]))
    refused(stub.Predict, slow, grpc.StatusCode.DEADLINE_EXCEEDED, timeout=0.2)


def test_a_message_that_is_too_large_is_refused(stub):
    request = predict("texts", text=["x" * 20_000_000])
    refused(stub.Predict, request, grpc.StatusCode.RESOURCE_EXHAUSTED)
