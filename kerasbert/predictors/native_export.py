"""An exported model in a process without TensorFlow's Python, which takes seconds to import."""

import contextlib
import json
import os
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import numpy as np

from kerasbert.config import read_resolved_config
from kerasbert.errors import CheckpointError, one_line
from kerasbert.layout import EXPORTED_CONFIG
from kerasbert.native.exchange import decode, encode
from kerasbert.predictors.export import Export
from kerasbert.predictors.predict import Arrays
from kerasbert.predictors.texts import Batch


class NativeExport(Export):
    """An exported model behind TensorFlow's C API, on the CPU. Its first answer comes early, others slower.

    Args:
        path: a version directory with `saved_model.pb`.

    Raises:
        CheckpointError: it cannot be run so; `SavedModel` still may, or says what is wrong.
    """

    def __init__(self, path: Path):
        self._process = subprocess.Popen(
            # -P: no module of the current directory is run.
            [sys.executable, "-P", "-m", "kerasbert.native", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        weakref.finalize(self, _end, self._process)
        self.source = str(path)
        config = read_resolved_config(path / EXPORTED_CONFIG)  # while the other process loads
        try:
            self._signatures = self._read()
            super().__init__(path, config, self._signatures)
        except (LookupError, ValueError) as error:
            raise CheckpointError(f"{path}: cannot be loaded ({one_line(error)}).") from error

    def _ask(self, signature: str, **columns: Batch | None) -> Arrays:
        inputs, outputs = (self._signatures[signature][part] for part in ("inputs", "outputs"))
        given = {inputs[name]: column for name, column in columns.items() if column is not None}
        feeds = {tensor: encode(_strings(column)) for tensor, column in given.items()}
        assert self._process.stdin
        request = json.dumps({"feeds": feeds, "fetches": [*outputs.values()]})
        with contextlib.suppress(BrokenPipeError):  # `_read` says so
            print(request, file=self._process.stdin, flush=True)
        return dict(zip(outputs, map(decode, self._read()), strict=True))

    def _read(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise CheckpointError(
                f"{self.source}: the native loader ended with status {self._process.wait()}."
            )
        return json.loads(line)


def _strings(column: Batch) -> np.ndarray:
    array = np.empty(len(column), object)
    array[:] = [text.encode() if isinstance(text, str) else text for text in column]
    return array


def _end(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()
