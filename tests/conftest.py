"""What all folders of tests share. Fixtures that need TensorFlow are in model_fixtures.py."""

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
from typing import TypeVar

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filelock import FileLock
from huggingface_hub import constants

from kerasbert import progress
from kerasbert.config import DataConfig
from kerasbert.data import Row, Rows
from kerasbert.deployment import served_versions

from .hub_server import FakeHub, Repository

# A job that a shell runs in the background ignores Ctrl-C, and so would the processes that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

T = TypeVar("T")
SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"

GOOD = ("很好", "不错", "喜欢", "满意", "推荐")
BAD = ("太差", "失望", "后悔", "难吃", "退货")
THINGS = ("手机", "酒店", "早餐", "衣服", "电影", "快递", "耳机", "鞋子")


def pytest_configure(config: pytest.Config) -> None:
    # Importing TensorFlow takes seconds, and the process that hands the tests to workers needs none of it.
    if hasattr(config, "workerinput") or config.getoption("dist", "no") == "no":
        from . import model_fixtures

        config.pluginmanager.register(model_fixtures)


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
            monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
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
        from .support import free_ports

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
