"""A small model with a signature for every rule, its application, and servers as processes."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx2
import pytest
import tensorflow as tf
from starlette.testclient import TestClient

from kerasbert.serving.backend import Backend
from kerasbert.serving.background import Background
from kerasbert.serving.batching import Batcher
from kerasbert.serving.inference import Inference
from kerasbert.serving.metrics import Metrics
from kerasbert.serving.models import Models
from kerasbert.serving.rest import build_app
from kerasbert.serving.settings import Settings

_START = "from kerasbert.cli import main; main()"
_PATIENCE = 120.0  # seconds; TensorFlow takes long to import on a busy machine


class Everything(tf.Module):
    """Adds `offset` here and there, so that versions can be told apart."""

    def __init__(self, offset: float):
        super().__init__()
        self.offset = tf.Variable(offset)

    def half_plus(self, x):
        return {"y": x * 0.5 + self.offset}

    def two(self, a, b):
        text = tf.strings.as_string(b)
        return {"sum": a + tf.cast(b, tf.float32), "text": text, "text_bytes": text}

    def texts(self, text):
        tf.debugging.assert_none_equal(text, "bad", message="a bad text")
        return {"length": tf.strings.length(text), "same": text}

    def numbers(self, i, flag, wide):
        return {"i": i, "flag": tf.logical_not(flag), "wide": wide}

    def matrix(self, m):
        return {"m": m}

    def scalar(self, x):
        return {"total": tf.reduce_sum(x)}

    def half(self, x):
        return {"half": tf.cast(x, tf.float16)}

    def slow(self, rounds):
        def body(step, value):
            return step + 1, tf.tanh(value @ value)

        last = tf.while_loop(lambda step, _: step < tf.reduce_max(rounds), body, (0, tf.eye(64)))
        return {"done": rounds + 0 * last[0]}

    def classify(self, inputs):
        features = tf.io.parse_example(
            inputs, {"x": tf.io.FixedLenFeature([], tf.float32, default_value=0.0)}
        )
        classes = tf.tile(tf.constant([["no", "yes"]]), [tf.shape(inputs)[0], 1])
        return {"classes": classes, "scores": tf.stack([1.0 - features["x"], features["x"]], axis=1)}

    def regress(self, inputs):
        features = tf.io.parse_example(
            inputs, {"x": tf.io.FixedLenFeature([], tf.float32, default_value=0.0)}
        )
        return {"outputs": features["x"] * 0.5 + self.offset}


_INPUTS = {
    "half_plus": {"x": ([None], tf.float32)},
    "two": {"a": ([None], tf.float32), "b": ([None], tf.int64)},
    "texts": {"text": ([None], tf.string)},
    "numbers": {"i": ([None], tf.int32), "flag": ([None], tf.bool), "wide": ([None], tf.float64)},
    "matrix": {"m": ([None, None], tf.float32)},
    "scalar": {"x": ([None], tf.float32)},
    "half": {"x": ([None], tf.float32)},
    "slow": {"rounds": ([None], tf.int32)},
    "classify": {"inputs": ([None], tf.string)},
    "regress": {"inputs": ([None], tf.string)},
}


def save(path: Path, offset: float = 2.0) -> Path:
    """Writes a version beside its place and renames it, as the export does."""
    module = Everything(offset)
    signatures = {}
    for name, inputs in _INPUTS.items():
        specs = {key: tf.TensorSpec(*shape_dtype, name=key) for key, shape_dtype in inputs.items()}
        signatures[name] = tf.function(getattr(module, name)).get_concrete_function(**specs)
    signatures["serving_default"] = signatures["half_plus"]
    staging = path.with_name(f".staging-{path.name}")
    tf.saved_model.save(module, str(staging), signatures)
    staging.rename(path)
    return path


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version to copy."""
    return save(tmp_path_factory.mktemp("saved") / "1")


@pytest.fixture(scope="session")
def saved_next(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that adds 100."""
    return save(tmp_path_factory.mktemp("saved") / "1", offset=100.0)


@pytest.fixture
def model_dir(saved: Path, tmp_path: Path) -> Path:
    """A model directory with version 1."""
    shutil.copytree(saved, tmp_path / "m" / "1")
    return tmp_path / "m"


def publish(version: Path, source: Path) -> None:
    """Copies a version into a model directory by one rename."""
    staging = version.with_name(f".staging-{version.name}")
    shutil.copytree(source, staging)
    staging.rename(version)


@contextlib.contextmanager
def backend(directory: Path, settings: Settings) -> Iterator[Backend]:
    """What the servers share, in this process."""
    models = Models(directory, "m", poll_interval=0.05)
    metrics = Metrics("m")
    batcher = Batcher(settings.max_batch_size, settings.queue_size, observe=metrics.run)
    models.start()
    background = Background()
    yield Backend(models, Inference(batcher, settings), background, metrics, settings)
    models.close()
    background.close()
    batcher.close(10.0)


@contextlib.contextmanager
def application(directory: Path, settings: Settings) -> Iterator[TestClient]:
    """The REST application in this process."""
    with backend(directory, settings) as shared, TestClient(build_app(shared)) as client:
        yield client


@pytest.fixture(scope="session")
def app(saved: Path) -> Iterator[TestClient]:
    settings = Settings(max_batch_size=4, max_rows=100, max_text=1000, max_body=1_000_000, timeout=5.0)
    with application(saved.parent, settings) as client:
        yield client


@dataclass(frozen=True)
class Running:
    """A server process."""

    process: subprocess.Popen
    announced: str
    rest: str
    grpc_address: str

    def post(self, body: str | bytes, path: str = "m:predict", **settings) -> httpx2.Response:
        return httpx2.post(f"{self.rest}/{path}", content=body, timeout=60.0, **settings)

    def get(self, path: str = "m") -> httpx2.Response:
        return httpx2.get(f"{self.rest}/{path}", timeout=60.0)

    def channel(self) -> grpc.Channel:
        return grpc.insecure_channel(self.grpc_address)

    def memory(self) -> int:
        """Resident bytes."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


@contextlib.contextmanager
def running(directory: Path, *options: str, name: str | None = "m") -> Iterator[Running]:
    """Runs `kerasbert serve` on free ports, and kills it in the end if it still runs."""
    command = [sys.executable, "-c", _START, "serve", str(directory), "--rest-port", "0", "--grpc-port", "0"]
    process = subprocess.Popen(
        [*command, *(["--name", name] if name else []), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, process.wait(60)
        words = line.split()
        url = next(word for word in words if word.startswith("http://"))
        yield Running(process, line, url.rpartition("/")[0], words[-1].split("/")[2])
    finally:
        process.kill()
        process.wait(60)
        process.stdout.close()


@pytest.fixture(scope="session")
def server(saved: Path) -> Iterator[Running]:
    """A server that tests may use but not change."""
    with running(saved.parent) as one:
        yield one


def eventually(condition, seconds: float = _PATIENCE) -> None:
    """Waits until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
