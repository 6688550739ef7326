"""A SavedModel behind the native loader, in a process of its own."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tensorflow.core.protobuf import saved_model_pb2

from kerasbert.deployment import Memory
from kerasbert.errors import ExportError
from kerasbert.layout import GRAPH
from kerasbert.native.exchange import decode, encode

_TIME_LIMIT = 600.0  # seconds
Request = tuple[str, Mapping[str, np.ndarray]]


class NativeModel:
    """The signatures of a SavedModel, run by TensorFlow's C API as a server would.

    Args:
        path: the version directory.
        python: whose TensorFlow runs it.
    """

    def __init__(self, path: Path, python: Path | str = sys.executable):
        self.path = path
        self._python = str(python)
        self.memory: Memory | None = None  # of the last run
        self.runtime: str | None = None  # TensorFlow's version in the last run
        proto = saved_model_pb2.SavedModel()
        proto.ParseFromString((path / GRAPH).read_bytes())
        self.signatures: Mapping[str, Any] = proto.meta_graphs[0].signature_def
        self.graph = proto.meta_graphs[0].graph_def

    def run(self, requests: Sequence[Request]) -> list[dict[str, np.ndarray]]:
        """Returns the outputs of each request, a signature's name and its inputs.

        Raises:
            ExportError: the native loader cannot load or run the model.
        """
        work = []
        for name, inputs in requests:
            signature = self.signatures[name]
            feeds = {signature.inputs[key].name: encode(value) for key, value in inputs.items()}
            fetches = [output.name for output in signature.outputs.values()]
            work.append({"feeds": feeds, "fetches": fetches})
        with tempfile.TemporaryDirectory() as directory:
            paths = [Path(directory) / name for name in ("requests.json", "answers.json")]
            paths[0].write_text(json.dumps(work), encoding="utf-8")
            # -P: no module of the current directory is run.
            command = [self._python, "-P", "-m", "kerasbert.native", str(self.path), *map(str, paths)]
            # On the CPU: the trainer holds the memory of the GPU, and float32 is TF32 there.
            environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
            try:
                done = subprocess.run(
                    command,
                    capture_output=True,
                    text=True,
                    timeout=_TIME_LIMIT,
                    check=False,
                    env=environment,
                )
            except subprocess.TimeoutExpired as error:
                raise ExportError(f"the native loader gave no answer in {_TIME_LIMIT} s.") from error
            if done.returncode:
                raise ExportError(f"the native loader refused the model: {_reason(done.stderr)}")
            result = json.loads(paths[1].read_text(encoding="utf-8"))
        self.memory, self.runtime = Memory(**result["memory"]), result["runtime"]
        return [
            dict(zip(self.signatures[name].outputs, map(decode, answer), strict=True))
            for (name, _), answer in zip(requests, result["answers"], strict=True)
        ]


def strings(values: Sequence[bytes]) -> np.ndarray:
    """Returns bytes as NativeModel takes them: an array of objects."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _reason(stderr: str) -> str:
    lines = [line for line in stderr.splitlines() if line.strip()]
    return lines[-1] if lines else "it ended without a word"
