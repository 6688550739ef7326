"""Small real servers that answer as TensorFlow Serving documents, over small real SavedModels."""

import asyncio
import base64
import contextlib
import json
import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
import uvicorn
from google.protobuf import json_format
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

MODEL = re.compile(
    r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?(?P<verb>.*)"
)
CODES = {"NOT_FOUND": 404, "INVALID_ARGUMENT": 400}


class Refused(Exception):  # noqa: N818
    def __init__(self, status: str, message: str):
        super().__init__(message)
        self.status = status


class Model:
    """Version 3 of a model, labelled `stable`, and what the server does with the next requests to it."""

    def __init__(self, path: Path, name: str):
        self._loaded = tf.saved_model.load(str(path))
        graph = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
        self.signatures = graph.meta_graphs[0].signature_def
        self.name = name
        self.faults: list = []  # each is taken by one predict request
        self.sizes: list[int] = []  # of the predict requests that were answered
        self.headers: list[dict[str, str]] = []
        self.under_way = self.most_under_way = 0
        self._lock = threading.Lock()

    def check(self, name: str, version: int | None, label: str | None) -> None:
        if name != self.name:
            raise Refused("NOT_FOUND", f"Servable not found for request: Latest({name})")
        if version not in (None, 3):
            raise Refused("NOT_FOUND", f"Servable not found for request: Specific({name}, {version})")
        if label not in (None, "stable"):
            raise Refused("INVALID_ARGUMENT", f"Unrecognized servable version label: {label}")

    def next_fault(self):
        with self._lock:
            return self.faults.pop(0) if self.faults else None

    def predict(
        self, feeds: dict[str, list[bytes]], signature: str = "serving_default"
    ) -> dict[str, np.ndarray]:
        with self._lock:
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
        tensors = {k: tf.constant(v, tf.string, shape=[len(v)]) for k, v in feeds.items()}
        outputs = {k: v.numpy() for k, v in self._loaded.signatures[signature](**tensors).items()}
        with self._lock:
            self.under_way -= 1
            self.sizes.append(len(feeds["text"]))
        return outputs

    def classify(self, examples: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
        answer = self._loaded.signatures["classify"](inputs=tf.constant(examples))
        return answer["classes"].numpy(), answer["scores"].numpy()


def plain(value, b64: bool = False):
    if isinstance(value, np.ndarray):
        return [plain(item, b64) for item in value]
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode()} if b64 else value.decode("utf-8", "surrogateescape")
    return float(f"{value:.9g}") if isinstance(value, np.float32) else value.item()


def rest_app(model: Model) -> Starlette:
    def answer(path: str, body: bytes):
        where = MODEL.fullmatch(path)
        if not where:
            raise Refused("INVALID_ARGUMENT", f"Malformed request: {path}")
        model.check(where["name"], where["version"] and int(where["version"]), where["label"])
        if where["verb"] == "/metadata":
            signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=model.signatures)
            as_json = json_format.MessageToDict(
                signatures, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
            )
            spec = {"name": model.name, "signature_name": "", "version": "3"}
            return {"model_spec": spec, "metadata": {"signature_def": as_json}}
        request = json.loads(body)
        if where["verb"] == ":classify":
            example = tf.train.Example()
            for name, value in request["examples"][0].items():
                example.features.feature[name].bytes_list.value.append(value.encode())
            classes, scores = model.classify([example.SerializeToString()])
            return {"results": [[[c.decode(), plain(s)] for c, s in zip(classes[0], scores[0], strict=True)]]}
        assert where["verb"] == ":predict"
        feeds = {
            name: [base64.b64decode(v["b64"]) if isinstance(v, dict) else v.encode() for v in values]
            for name, values in request["inputs"].items()
        }
        outputs = model.predict(feeds, request.get("signature_name", "serving_default"))
        columns = {k: plain(v, k.endswith("_bytes")) for k, v in outputs.items()}
        return {"outputs": columns if len(columns) > 1 else columns.popitem()[1]}

    async def handle(request: Request) -> Response:
        model.headers.append(dict(request.headers))
        body = await request.body()
        fault = model.next_fault() if request.url.path.endswith(":predict") else None
        if isinstance(fault, Response):
            return fault
        try:
            result = await asyncio.to_thread(answer, request.scope["path"], body)
        except Refused as refused:
            content = json.dumps({"error": str(refused)}, indent=4)
            return Response(content, CODES[refused.status], media_type="application/json")
        if fault:
            result = await asyncio.to_thread(fault, result)
        content = json.dumps(result, ensure_ascii=False).encode("utf-8", "surrogateescape")
        return Response(content, media_type="application/json")

    return Starlette(routes=[Route("/{path:path}", handle, methods=["GET", "POST"])])


@contextlib.contextmanager
def run_rest(model: Model, port: int = 0, **settings) -> Iterator[int]:
    config = uvicorn.Config(
        rest_app(model), port=port, log_level="critical", lifespan="off", ws="none", **settings
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            threading.Event().wait(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


class Servicer(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, model: Model):
        self._model = model

    def _check(self, request, context) -> None:
        self._model.headers.append(dict(context.invocation_metadata()))
        spec = request.model_spec
        version = spec.version.value if spec.HasField("version") else None
        try:
            self._model.check(spec.name, version, spec.version_label or None)
        except Refused as refused:
            context.abort(getattr(grpc.StatusCode, refused.status), str(refused))

    def GetModelMetadata(self, request, context):  # noqa: N802
        self._check(request, context)
        answer = get_model_metadata_pb2.GetModelMetadataResponse()
        signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=self._model.signatures)
        answer.metadata["signature_def"].Pack(signatures)
        return answer

    def Classify(self, request, context):  # noqa: N802
        self._check(request, context)
        examples = [e.SerializeToString() for e in request.input.example_list.examples]
        answer = classification_pb2.ClassificationResponse()
        for classes, scores in zip(*self._model.classify(examples), strict=True):
            each = answer.result.classifications.add()
            for label, score in zip(classes, scores, strict=True):
                each.classes.add(label=label.decode(), score=score)
        return answer

    def Predict(self, request, context):  # noqa: N802
        self._check(request, context)
        fault = self._model.next_fault()
        if isinstance(fault, tuple):
            context.abort(*fault)
        feeds = {k: list(tf.make_ndarray(v)) for k, v in request.inputs.items()}
        outputs = self._model.predict(feeds, request.model_spec.signature_name or "serving_default")
        if fault:
            outputs = fault(outputs)
        answer = predict_pb2.PredictResponse()
        for name, value in outputs.items():
            answer.outputs[name].CopyFrom(tf.make_tensor_proto(value))
        return answer


@contextlib.contextmanager
def run_grpc(model: Model, port: int = 0, credentials: grpc.ServerCredentials | None = None) -> Iterator[int]:
    server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.max_receive_message_length", -1)])
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Servicer(model), server)
    address = f"127.0.0.1:{port}"
    port = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    server.start()
    try:
        yield port
    finally:
        server.stop(0).wait()


class Handmade(tf.Module):
    """A model of pairs with several labels a row and outputs of every kind; its answers tell texts apart."""

    labels = ("甲", "b c", "三")

    def _answer(self, text, pair):
        joined = tf.strings.join([text, pair], "|")
        numbers = tf.strings.to_hash_bucket_fast(joined, 997)
        probabilities = tf.stack([tf.cast((numbers * k) % 997, tf.float32) / 997 for k in (1, 2, 3)], 1)
        label_id = tf.argmax(probabilities, 1)
        return {
            "label": tf.gather(tf.constant(self.labels), label_id),
            "label_id": label_id,
            "score": tf.reduce_max(probabilities, 1),
            "probabilities": probabilities,
            "given": tf.cast(probabilities >= 0.5, tf.int32),  # as earlier exports, which had no `selected`
            "top_labels": tf.gather(tf.constant(self.labels), tf.math.top_k(probabilities, 2).indices),
            "joined": joined,
            "joined_bytes": joined,
            "is_long": tf.strings.length(joined) > 10,
            "double": tf.cast(probabilities[:, 0], tf.float64) / 3,
        }

    def save(self, path: Path) -> Path:
        strings = tf.TensorSpec([None], tf.string)

        @tf.function(input_signature=[strings, strings])
        def serving_default(text, pair):
            return self._answer(text, pair)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
        def classify(inputs):
            classes = tf.tile([self.labels], [tf.shape(inputs)[0], 1])
            return {"classes": classes, "scores": tf.zeros(tf.shape(classes))}

        signatures = {"serving_default": serving_default, "classify": classify}
        tf.saved_model.save(self, str(path), signatures)
        return path


@pytest.fixture(scope="session", params=["rest", "grpc"])
def interface(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def serve():
    """Runs a server in this process and gives the URL of its model."""

    @contextlib.contextmanager
    def run(interface: str, model: Model, port: int = 0) -> Iterator[str]:
        if interface == "rest":
            with run_rest(model, port) as port:
                yield f"http://127.0.0.1:{port}/v1/models/{model.name}"
        else:
            with run_grpc(model, port) as port:
                yield f"grpc://127.0.0.1:{port}/{model.name}"

    return run


@pytest.fixture(scope="session")
def _reviews_server(interface: str, serve, exported: Path):
    model = Model(exported, "评论 1")
    with serve(interface, model) as url:
        yield url, model


@pytest.fixture
def served(_reviews_server) -> tuple[str, Model]:
    """The URL of the exported reviews model, and the model behind it, without faults."""
    url, model = _reviews_server
    model.faults, model.sizes, model.headers, model.most_under_way = [], [], [], 0
    return url, model


@pytest.fixture(scope="session", name="run_rest")
def run_rest_fixture():
    return run_rest


@pytest.fixture(scope="session", name="run_grpc")
def run_grpc_fixture():
    return run_grpc


@pytest.fixture(scope="session")
def served_model_class() -> type[Model]:
    return Model


@pytest.fixture(scope="session")
def handmade(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Handmade().save(tmp_path_factory.mktemp("handmade") / "3")


@pytest.fixture(scope="session")
def served_handmade(interface: str, serve, handmade: Path) -> Iterator[tuple[str, Model]]:
    model = Model(handmade, "pairs")
    with serve(interface, model) as url:
        yield url, model


@pytest.fixture
def raw_server():
    """Answers each TCP connection with a function of its socket; gives the port."""
    with contextlib.ExitStack() as stack:

        def run(handle: Callable) -> int:
            class Handler(socketserver.BaseRequestHandler):
                def handle(self):
                    with contextlib.suppress(OSError):
                        handle(self.request)

            server = stack.enter_context(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler))
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.05,)).start()
            stack.callback(server.shutdown)
            return server.server_address[1]

        yield run
