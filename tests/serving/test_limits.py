"""A request is measured before it is worked on, and its reading holds nobody up."""

import asyncio
import concurrent.futures
import gzip
import json
import threading
import time

import grpc
import httpx2
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

from kerasbert.serving import services
from kerasbert.serving.backend import Backend
from kerasbert.serving.background import Background, finish
from kerasbert.serving.batching import Batcher
from kerasbert.serving.body import BodyReader
from kerasbert.serving.errors import ServingError
from kerasbert.serving.grpc_server import GrpcServer
from kerasbert.serving.inference import Inference
from kerasbert.serving.json_reader import read_object
from kerasbert.serving.metrics import Metrics
from kerasbert.serving.models import Models
from kerasbert.serving.services import PredictionService
from kerasbert.serving.settings import Settings
from kerasbert.serving.tensors import to_array

from .conftest import application, backend

PREDICT = "/v1/models/m:predict"
FEW = Settings(max_rows=100, max_values=8000, max_text=50)


@pytest.mark.parametrize(
    ("before", "item"),
    [
        ('{"instances": [', "1"),
        ('{"instances": [', "[]"),
        ('{"instances": [', r'"\n"'),
        ('{"inputs": [', "1.5e3"),
        ('{"inputs": {"x": [', "{}"),
        ('{"examples": [', '{"x": 1}'),
    ],
)
def test_rows_are_counted_while_they_are_read(before, item):
    body = before + ",".join([item] * 101)
    for whole in (body + ",,,", body + "]", body):  # what comes after them is never reached
        with pytest.raises(ServingError, match="more than 100 rows"):
            finish(read_object(whole.encode(), FEW))


def test_other_lists_may_be_longer():
    values = list(range(101))
    for document in ({"more": values}, {"instances": [values]}, {"inputs": {"x": [values]}}):
        assert finish(read_object(json.dumps(document).encode(), FEW)) == document


@pytest.mark.parametrize("item", ["[]", "{}", "0", '"a"', "[0]", "1.5", '{"a": 0}', "null"])
def test_values_are_counted_wherever_they_are(item):
    for key in ("more", "instances"):
        body = f'{{"{key}": [[{",".join([item] * 8001)}]]}}'
        with pytest.raises(ServingError, match="more values than"):
            finish(read_object(body.encode(), FEW))


def test_depth_is_a_matter_of_values():
    with pytest.raises(ServingError, match="more values than"):
        finish(read_object(b'{"more": ' + b"[" * 5000, FEW))


@pytest.mark.parametrize("text", ["a" * 301, r"\u0061" * 51, r"\ud83d\ude00" * 26])
def test_long_strings_are_refused_while_they_are_read(text):
    with pytest.raises(ServingError, match="this server accepts 50"):
        finish(read_object(f'{{"more": "{text}'.encode() + b'"}', FEW))


def test_reading_stops_often():
    steps = read_object(b'{"instances": [[' + b"[[]]," * 10_000 + b"[]]]}", Settings())
    assert sum(1 for _ in steps) > 9


def test_the_time_limit_covers_reading(saved):
    body = b'{"instances": [[' + b"[[]]," * 100_000 + b"[]]]}"
    with application(saved.parent, Settings(timeout=0.05)) as app:
        response = app.post(PREDICT, content=body)
        assert (response.status_code, response.json()["error"]) == (504, "Timed out waiting for notification")


def test_explain_is_refused_for_its_rows_before_they_are_converted(saved):
    with application(saved.parent, Settings(max_explained=2)) as app:
        response = app.post(PREDICT, json={"signature_name": "explain", "instances": [{}, [], 3]})
        assert response.json() == {"error": "the body has 3 rows; a request for explain may have 2"}


class Slow:
    """A request whose body comes, but never ends."""

    headers: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, size: int):
        self.size = size

    async def stream(self):
        yield b" " * self.size
        await asyncio.sleep(60)


def test_bodies_that_never_end_give_way_to_one_that_does():
    class Whole(Slow):
        async def stream(self):
            yield b"x" * self.size

    async def scene() -> tuple[list[object], bytes]:
        reader = BodyReader(Settings(max_bodies=1_000_000), background=None)  # type: ignore[arg-type]

        async def read(request: Slow) -> bytes:
            async with reader.read(request) as body:  # type: ignore[arg-type]
                return body

        slow = [asyncio.create_task(read(Slow(300_000))) for _ in range(3)]
        await asyncio.sleep(0)
        body = await read(Whole(400_000))
        await asyncio.sleep(0.01)
        ended = [getattr(task.exception(), "http_status", None) if task.done() else None for task in slow]
        small = await read(Whole(1000))
        for task in slow:
            task.cancel()
        assert len(small) == 1000
        return ended, body

    ended, body = asyncio.run(scene())
    assert len(body) == 400_000
    assert ended == [408, None, None]  # the oldest


def test_a_grpc_request_that_does_not_come_is_given_up(tmp_path):
    async def scene() -> list[grpc.StatusCode]:
        settings = Settings(client_timeout=0.1)
        batcher = Batcher(settings.max_batch_size, settings.queue_size, threads=1)
        models, inference = Models(tmp_path, "m"), Inference(batcher, settings)
        server = GrpcServer(Backend(models, inference, Background(), Metrics("m"), settings))
        port = server.listen("127.0.0.1:0")
        await server.start()
        codes = []
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            call = channel.stream_unary("/tensorflow.serving.PredictionService/Predict")
            silent = call(timeout=60)  # its side stays open
            codes.append(await silent.code())
            empty = call(timeout=60)
            await empty.done_writing()
            codes.append(await empty.code())
        await server.stop(0.0)
        batcher.close(1.0)
        return codes

    assert asyncio.run(scene()) == [grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.INVALID_ARGUMENT]


class Context:
    """The context of a call without a deadline."""

    def time_remaining(self) -> None:
        return None

    async def abort(self, code: grpc.StatusCode, message: str) -> None:
        raise ServingError(code, message)


def test_one_value_that_stands_for_millions_holds_nobody_up(saved, monkeypatch):
    unpacked = []

    def record(name, proto):
        unpacked.append((name, threading.current_thread().name))
        return to_array(name, proto)

    def predict(signature: str, name: str, dtype: tf.DType, shape: list[int]):
        request = predict_pb2.PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = "m", signature
        tensor = tf.make_tensor_proto(tf.constant(["a"] if dtype == tf.string else [1], dtype))
        tensor.tensor_shape.CopyFrom(tf.TensorShape(shape).as_proto())
        request.inputs[name].CopyFrom(tensor)
        return asyncio.run(PredictionService(shared).Predict(request, Context()))

    monkeypatch.setattr(services, "to_array", record)
    with backend(saved.parent, Settings()) as shared:
        with pytest.raises(ServingError, match=r"shape \(None,\)\. Received: \[4096, 1024\]"):
            predict("texts", "text", tf.string, [4096, 1024])
        with pytest.raises(ServingError, match="to be string but float is provided"):
            predict("texts", "text", tf.float32, [4096])
        assert unpacked == []
        predict("matrix", "m", tf.float32, [100, 1000])
        assert unpacked == [("m", "background_0")]


@pytest.mark.process
def test_a_small_body_that_unpacks_to_millions_of_values_holds_nobody_up(server):
    bodies = [f'{{"instances":[[{item * 2_000_000}' for item in ("[],", '{"x":0},')]
    bombs = [gzip.compress(body.encode(), 1) for body in bodies]
    headers = {"Content-Encoding": "gzip"}
    slowest = 0.0
    with httpx2.Client(timeout=60.0) as client, concurrent.futures.ThreadPoolExecutor() as pool:
        answers = [pool.submit(server.post, bomb, headers=headers) for bomb in bombs]
        while not all(answer.done() for answer in answers):
            begun = time.monotonic()
            assert client.get(f"{server.rest}/m").status_code == 200
            slowest = max(slowest, time.monotonic() - begun)
            time.sleep(0.02)
    for answer in answers:
        assert "more values than this server accepts" in answer.result().text
    assert slowest < 1.0
