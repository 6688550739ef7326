"""Fixtures that several folders of tests share."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ["LANGUAGE"] = "en"  # whatever the locale

import contextlib
import gc
import json
import pickle
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from filelock import FileLock
from huggingface_hub import constants

from kerasbert import progress
from kerasbert.config import Config, DataConfig, merge, parse_config
from kerasbert.data import Row, Rows
from kerasbert.deployment import served_versions
from kerasbert.export import export_model
from kerasbert.tasks import Classification
from kerasbert.text import (
    SPECIAL_TOKENS,
    SentencePieceVocabulary,
    Vocabulary,
    WordPieceVocabulary,
    learn_sentencepiece,
)
from kerasbert.training import TrainResult, prepare, train

from .hub_server import FakeHub, Repository
from .support import free_ports, mirrored_strategy

# A job that a shell runs in the background ignores Ctrl-C, and so would the processes that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

T = TypeVar("T")
SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"

TINY = {
    "backbone": {"num_layers": 1, "hidden_dim": 16, "num_heads": 2, "intermediate_dim": 32},
    "head": {"pooling": "mean"},
    "training": {"epochs": 2, "batch_size": 8, "max_length": 16, "learning_rate": 3e-3},
}
GOOD = ("很好", "不错", "喜欢", "满意", "推荐")
BAD = ("太差", "失望", "后悔", "难吃", "退货")
THINGS = ("手机", "酒店", "早餐", "衣服", "电影", "快递", "耳机", "鞋子")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    for item in items:
        if any(name.startswith("exported") for name in item.fixturenames):
            item.add_marker("process")


def pytest_collection_finish() -> None:
    """Leaves what has been imported out of every garbage collection to come: a sixth of a training's time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _two_cpus() -> None:
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


@pytest.fixture
def mirrored() -> tf.distribute.Strategy:
    return mirrored_strategy()


@pytest.fixture(scope="session", autouse=True)
def _no_progress_lines() -> Iterator[None]:
    """Commands in this process show no progress, however slow the machine is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(progress, "_LINE_AFTER", 1e9)
        yield


@pytest.fixture
def hubs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., FakeHub]]:
    """Returns a function that starts a hub with repositories, which hf:// and modelscope:// mean then."""
    with contextlib.ExitStack() as stack:

        def start(repositories: Mapping[str, Repository]) -> FakeHub:
            hub = stack.enter_context(FakeHub(dict(repositories)).running())
            # As huggingface_hub reads HF_ENDPOINT and HF_HOME when it is imported.
            monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
            template = hub.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
            monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
            monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf_cache"))
            monkeypatch.setenv("MODELSCOPE_ENDPOINT", hub.endpoint)
            monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "ms_cache"))
            monkeypatch.delenv("HF_TOKEN", raising=False)
            monkeypatch.setattr("kerasbert.hub.download.time.sleep", lambda seconds: None)
            return hub

        yield start


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Returns a function that makes a package importable and declares its entry points as pip would."""
    made = []

    def make(package: str, source: str, group: str = "kerasbert.tasks", **points: str) -> Path:
        directory = tmp_path / package
        info = directory / f"{package}-1.0.dist-info"
        info.mkdir(parents=True)
        (directory / f"{package}.py").write_text(source, encoding="utf-8")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = "".join(f"{name} = {value}\n" for name, value in points.items())
        (info / "entry_points.txt").write_text(f"[{group}]\n{lines}")
        monkeypatch.syspath_prepend(str(directory))
        made.append(package)
        return directory

    yield make
    for package in made:
        sys.modules.pop(package, None)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data for development, beside the project. It is never part of it."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the development data ../shared/data is not here")
    return SHARED_DATA


@pytest.fixture(scope="session")
def reviews() -> Rows:
    """80 rows in which single words decide."""
    return Rows(
        [
            Row(f"{thing}{word}", (label,), None, "reviews", 1)
            for thing in THINGS
            for label, words in (("negative", BAD), ("positive", GOOD))
            for word in words
        ]
    )


@pytest.fixture(scope="session")
def shared(
    tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> Callable[[str, Callable[[Path], T]], T]:
    """Returns a function that makes something once for all workers of pytest-xdist.

    `shared(name, make)` calls `make` with a new directory in one worker; all get a pickled copy of what it
    returned.
    """
    base = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        base = base.parent

    def get(name: str, make: Callable[[Path], T]) -> T:
        directory, pickled = base / name, base / f"{name}.pickle"
        with FileLock(base / f"{name}.lock"):
            if not pickled.exists():
                directory.mkdir(exist_ok=True)
                pickled.write_bytes(pickle.dumps(make(directory)))
        return pickle.loads(pickled.read_bytes())

    return get


@pytest.fixture(scope="session")
def reviews_file(reviews: Rows, shared) -> Path:
    """The reviews as JSONL."""

    def write(directory: Path) -> Path:
        lines = [json.dumps({"text": row.text, "label": row.labels[0]}) for row in reviews.rows]
        path = directory / "reviews.jsonl"
        path.write_text("\n".join(lines), encoding="utf-8")
        return path

    return shared("reviews", write)


@pytest.fixture
def tiny_config(reviews_file: Path, tmp_path: Path):
    """Returns a function that makes a tiny configuration, with nested overrides."""

    def make(**overrides) -> Config:
        data = {"data": {"train": str(reviews_file)}, "run_dir": str(tmp_path / "run")}
        return parse_config(Config, merge(merge(TINY, data), overrides), where="test")

    return make


@pytest.fixture(scope="session")
def trained(reviews_file: Path, shared) -> TrainResult:
    """A finished run on the reviews. Do not change its files: copy them."""

    def make(directory: Path) -> dict[str, Any]:
        values = {"data": {"train": str(reviews_file)}, "run_dir": str(directory / "run")}
        result = train(prepare(parse_config(Config, merge(TINY, values), where="test")))
        return {name: value for name, value in vars(result).items() if name != "classifier"}

    fields = shared("trained", make)
    return TrainResult(classifier=fields["run"].load(), **fields)


@pytest.fixture(scope="session")
def exported(trained: TrainResult, shared) -> Path:
    """A version directory of the trained run, with the signature `embed`. Do not change it: copy it."""

    def make(directory: Path) -> Path:
        return export_model(trained.run.path, directory / "model", signatures=["embed"]).path

    return shared("exported", make)


@pytest.fixture
def vocabulary() -> Vocabulary:
    """The special tokens and a few characters."""
    return WordPieceVocabulary([*SPECIAL_TOKENS, *"今天气很好坏的不了手机酒店", "play", "##ing", "a", "##b"])


@pytest.fixture(scope="session")
def unigram(shared) -> SentencePieceVocabulary:
    """A SentencePiece model of a few words."""
    words = ["今天", "天气", "手机", "酒店", "很好", "不错", "太差", "play", "playing", "game", "iPhone"]
    texts = [f"{a}{b}，{a} {b}。" for a in words for b in words]
    return SentencePieceVocabulary(
        shared("unigram", lambda directory: learn_sentencepiece(lambda: texts, 80, 1).content)
    )


@pytest.fixture
def task() -> Classification:
    """A task with three labels."""
    return Classification(["a", "b", "c"])


class ChosenModel:
    batch_size, temperature, text_graph = 64, 1.0, None

    def __init__(
        self,
        labels: Sequence[str],
        answers: Mapping[str, Sequence[float]],
        threshold: float | None = None,
    ):
        self.labels, self.data, self.label_separator = tuple(labels), DataConfig(), None
        self.batches: list[tuple[list[str], list[str] | None]] = []
        self._answers, self._threshold = answers, threshold

    def predict_batch(self, texts, pairs=None):
        self.batches.append((list(texts), None if pairs is None else list(pairs)))
        probabilities = np.array([self._answers[text] for text in texts], np.float32)
        label_id = probabilities.argmax(1)
        outputs = {
            "label": np.array([self.labels[i].encode() for i in label_id], object),
            "label_id": label_id,
            "score": probabilities.max(1),
            "probabilities": probabilities,
        }
        if self._threshold is not None:
            outputs["selected"] = (probabilities >= self._threshold).astype(np.int32)
        return outputs


@pytest.fixture(scope="session")
def chosen_model() -> type[ChosenModel]:
    return ChosenModel


@pytest.fixture
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Changes of the served versions do not wait for a server's next poll."""
    monkeypatch.setattr(served_versions, "_wait_for_a_poll", lambda path: None)


@pytest.fixture
def largest_file():
    """Makes the kernel refuse to let a file grow beyond a size, as on a full disk."""

    @contextlib.contextmanager
    def limit(size: int):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limit


@pytest.fixture(scope="session")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine, and the API keys of two clients: what nginx wants."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    directory = tmp_path_factory.mktemp("secrets")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", "tls.key", "-out", "tls.crt"],
        cwd=directory, check=True, capture_output=True,
    )  # fmt: skip
    secret = "0123456789abcdef" * 4  # as long as `openssl rand -hex 32`
    (directory / "api_keys").write_text(f'"Bearer {secret}" shop;\n"Bearer other" other;\n')
    return directory


@pytest.fixture(scope="session")
def run_nginx(secrets: Path, tmp_path_factory: pytest.TempPathFactory):
    """Starts nginx on a free port, with a file that `export` wrote; gives the port and the log."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed")

    @contextlib.contextmanager
    def run(file: Path, behind: int, **changes: str):
        directory = tmp_path_factory.mktemp("nginx")
        text, port = file.read_text(), free_ports(1)[0]
        here = {
            "listen 8443": f"listen 127.0.0.1:{port}",
            "serving:8501": f"127.0.0.1:{behind}",
            "/etc/nginx/secrets": str(secrets),
            "/tmp/nginx": f"{directory}/nginx",
            "/dev/stdout": f"{directory}/access.log",
            "/dev/stderr": f"{directory}/error.log",
            **changes,
        }
        for old, new in here.items():
            assert old in text
            text = text.replace(old, new)
        (directory / "nginx.conf").write_text(text)
        command = [program, "-p", str(directory), "-c", str(directory / "nginx.conf")]
        if os.getuid() == 0:  # its workers would have no right to the files of this test
            command += ["-g", "user root;"]
        subprocess.run([*command, "-t"], check=True, capture_output=True)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_for(port)
            yield port, directory / "access.log"
        finally:
            process.terminate()
            process.wait(30)

    return run


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "nginx does not listen"
            time.sleep(0.05)


@pytest.fixture(scope="session")
def write_texts():
    """Returns a function that writes texts without line ends as rows, in the format of the file's suffix."""
    return _write_texts


def _write_texts(path: Path, texts: list[str]) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(pa.table({"text": pa.array(texts, pa.string())}), path)
    elif path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        for text in ["text", *texts]:
            book.active.append([text or None])
        book.save(path)
    elif path.suffix in (".json", ".jsonl"):
        rows = [{"text": text or None} for text in texts]
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        array = json.dumps(rows, ensure_ascii=False, indent=1)
        path.write_text(array if path.suffix == ".json" else "\n".join(lines), encoding="utf-8")
    else:
        header = [] if path.suffix == ".txt" else ["text"]
        path.write_text("".join(f"{text}\n" for text in [*header, *texts]), encoding="utf-8")
    return path
