"""What tests in several folders call. Fixtures are in conftest.py."""

import contextlib
import json
import math
import os
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import h5py
import numpy as np
import tensorflow as tf

from kerasbert.text import SentencePieceVocabulary
from kerasbert.training import TrainResult


def free_ports(count: int) -> list[int]:
    """Ports on which nobody listens, all different."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def other_splits(
    vocabulary: SentencePieceVocabulary, ours: Sequence[list[int]], theirs: Sequence[list[int]]
) -> list[tuple[list[int], list[int]]]:
    """The rows that differ, except where two splits of a text have the same score, such as `a|aa` and `aa|a`.

    `sentencepiece` breaks ties in another way from 0.2.2 on, and `tokenizers` in its own.
    """
    scores = [piece.score for piece in vocabulary.parsed().pieces]
    found = []
    for one, other in zip(ours, theirs, strict=True):
        spelled = ["".join(vocabulary.tokens[id] for id in ids) for ids in (one, other)]
        sums = [math.fsum(scores[id] for id in ids) for ids in (one, other)]
        if one != other and (spelled[0] != spelled[1] or abs(sums[0] - sums[1]) > 1e-3):
            found.append((one, other))
    return found


def json_lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.split("\n")[:-1]]


def weights_of(result: TrainResult) -> list[np.ndarray]:
    return [np.asarray(weight) for weight in result.classifier.model.weights]


def saved_weights(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a Keras weights file, by their paths in it."""
    weights: dict[str, np.ndarray] = {}

    def collect(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            weights[name] = item[()]

    with h5py.File(path) as file:
        file.visititems(collect)
    return weights


def mirrored_strategy() -> tf.distribute.MirroredStrategy:
    """Two replicas on the two CPUs that the tests have."""
    # Reduction without collectives, whose keys clash between strategies of one process.
    cross = tf.distribute.ReductionToOneDevice()
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"], cross_device_ops=cross)


def on_replicas(strategy: tf.distribute.Strategy, function: Callable[[], tf.Tensor]) -> list[np.ndarray]:
    """Runs a function as a graph on each replica and returns what each returned."""
    results = strategy.experimental_local_results(strategy.run(tf.function(function)))
    return [result.numpy() for result in results]


@contextlib.contextmanager
def workers(size: int, command: Sequence[str], directory: Path) -> Iterator[list[subprocess.Popen]]:
    """Starts the workers of a cluster, which log to `directory`; kills those that still run at the end."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(size)]
    started = []
    try:
        for index in range(size):
            task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
            environment = {**os.environ, "TF_CONFIG": json.dumps(task), "TF_NUM_INTRAOP_THREADS": "1"}
            with (directory / f"worker-{index}.log").open("ab") as log:
                started.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        yield started
    finally:
        for worker in started:
            worker.kill()
            worker.wait()


def worker_logs(directory: Path) -> str:
    """The last lines of each worker."""
    return "\n".join(path.read_text(errors="replace")[-3000:] for path in directory.glob("worker-*.log"))
