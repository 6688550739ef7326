"""What a SavedModel computes for a request: how many operations of each kind, and how long they take.

    python benchmarks/operations.py VERSION_DIR... [--text TEXT...] [--signature serving_default]

By TensorFlow's C API, after a warm-up: medians of 20 traced runs. Tracing makes operations slower; the time
of a whole request is that of runs without it.
"""

import argparse
import ctypes
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from kerasbert.native.session import NativeSession, _Buffer, _Output, _Pointer

RUNS, SHOWN = 20, 12
_FULL_TRACE = b"\x08\x03"  # RunOptions


class TracedSession(NativeSession):
    """Also says what it ran."""

    def trace(self, feeds: dict[str, np.ndarray], fetches: list[str]) -> bytes:
        """Returns the RunMetadata of one run."""
        tensors, many = [self._to_tensor(value) for value in feeds.values()], len(fetches)
        metadata = self._call("TF_NewBuffer", ctypes.POINTER(_Buffer))
        options = self._call(
            "TF_NewBufferFromString", _Pointer, _FULL_TRACE, ctypes.c_size_t(len(_FULL_TRACE))
        )
        self._checked(
            *("TF_SessionRun", None, _Pointer(self._session), _Pointer(options)),
            (_Output * len(feeds))(*map(self._output, feeds)),
            *((_Pointer * len(feeds))(*tensors), ctypes.c_int(len(feeds))),
            (_Output * many)(*map(self._output, fetches)),
            *((_Pointer * many)(), ctypes.c_int(many), None, ctypes.c_int(0), metadata),
        )
        return ctypes.string_at(metadata.contents.data, metadata.contents.length)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("models", nargs="+", metavar="VERSION_DIR")
    parser.add_argument("--text", nargs="+", default=["今晚八点半决赛主队逆转了"])
    parser.add_argument("--signature", default="serving_default")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments.models[0], arguments.signature, arguments.text, Path(arguments.worker))
        return
    for model in arguments.models:
        with tempfile.TemporaryDirectory() as folder:  # two TensorFlows in one process would collide
            options = ["--text", *arguments.text, "--signature", arguments.signature, "--worker", folder]
            subprocess.run([sys.executable, __file__, model, *options], check=True)
            show(model, [path.read_bytes() for path in Path(folder).iterdir()])


def work(model: str, name: str, texts: list[str], folder: Path) -> None:
    """Writes the metadata of traced runs; prints the time of others."""
    session = TracedSession(model)
    signature = session.signatures[name]
    column = np.array([text.encode() for text in texts], object)
    request = {signature.inputs["text"]: column}, [*signature.outputs.values()]
    seconds = []
    for _ in range(200):
        begin = time.perf_counter()
        session.run(*request)
        seconds.append(time.perf_counter() - begin)
    print(f"{model}: {statistics.median(seconds[50:]) * 1e3:.2f} ms a request", flush=True)
    for number in range(RUNS):
        (folder / str(number)).write_bytes(session.trace(*request))


def show(model: str, traces: list[bytes]) -> None:
    """Prints the table of a model."""
    from tensorflow.core.protobuf import config_pb2

    nodes: dict[tuple[str, str], list[int]] = defaultdict(list)
    for trace in traces:
        metadata: Any = config_pb2.RunMetadata.FromString(trace)
        for node in (node for device in metadata.step_stats.dev_stats for node in device.node_stats):
            kind = node.timeline_label.partition(" = ")[2].partition("(")[0] or node.node_name
            nodes[kind, node.node_name].append(node.op_end_rel_nanos - node.op_start_rel_nanos)
    kinds: dict[str, list[float]] = defaultdict(list)
    for (kind, _), nanoseconds in nodes.items():
        kinds[kind].append(statistics.median(nanoseconds) / 1e3)
    print("\n| operation | number | µs |\n| --- | ---: | ---: |")
    for kind, times in sorted(kinds.items(), key=lambda item: -sum(item[1]))[:SHOWN]:
        print(f"| {kind} | {len(times)} | {sum(times):,.0f} |")
    print(f"| all | {len(nodes)} | {sum(map(sum, kinds.values())):,.0f} |\n", flush=True)


if __name__ == "__main__":
    main()
