"""Reads tensors from a safetensors file or from the shards of an index."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ml_dtypes  # noqa: F401 (gives NumPy the bfloat16 that safetensors asks it for)
import numpy as np
from safetensors import SafetensorError, safe_open

from kerasbert.checkpoints.bert_config import read_json
from kerasbert.errors import CheckpointError, one_line

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
_DTYPES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16", "F64": "float64"}


class SafetensorsFiles:
    """The tensors of a folder. Headers are read at once, tensors on demand.

    Args:
        directory: with `model.safetensors`, or the index and its shards.

    Raises:
        CheckpointError: a file is missing, damaged, or holds numbers of another type.
    """

    def __init__(self, directory: Path):
        single = directory / WEIGHTS
        self.path = single if single.is_file() else directory / INDEX
        self.shapes: dict[str, tuple[int, ...]] = {}
        self._files: dict[str, Path] = {}
        dtypes: set[str] = set()
        for path in [single] if single.is_file() else _shards(directory):
            with _opened(path) as file:
                for name in file.keys():  # noqa: SIM118 (no mapping)
                    if name in self._files:
                        raise CheckpointError(
                            f"{path}: {name!r} stands in {self._files[name].name} too. Remove the shard that "
                            "is not of these weights."
                        )
                    tensor = file.get_slice(name)
                    self.shapes[name] = tuple(tensor.get_shape())
                    self._files[name] = path
                    if len(self.shapes[name]):
                        dtypes.add(tensor.get_dtype())
        others = dtypes - {*_DTYPES, "I64"}  # I64: the position_ids of older files
        if others:
            raise CheckpointError(
                f"{self.path}: holds {', '.join(sorted(others))}. Expected {', '.join(_DTYPES)}."
            )
        self.dtype = ", ".join(sorted(_DTYPES[name] for name in dtypes if name in _DTYPES))

    def read(self, name: str) -> np.ndarray:
        """Returns a tensor."""
        with _opened(self._files[name]) as file:
            return file.get_tensor(name)


def _shards(directory: Path) -> list[Path]:
    index = directory / INDEX
    files = read_json(index).get("weight_map")
    if not isinstance(files, dict) or not all(isinstance(name, str) for name in files.values()):
        raise CheckpointError(f"{index}: has no weight_map from tensor names to files.")
    names = sorted(set(files.values()))
    outside = [name for name in names if name != Path(name).name]
    if outside:
        raise CheckpointError(f"{index}: weight_map must name files beside it. Received: {outside[0]!r}")
    return [directory / name for name in names]


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with safe_open(path, framework="numpy") as file:
            yield file
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: no such weights file.") from error
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{path}: is damaged or cut short ({one_line(error)}). Fetch it again."
        ) from error
