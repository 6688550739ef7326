"""The state of a training in one file: every variable it goes on with, and where it is."""

import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerasbert.errors import CheckpointError
from kerasbert.files import atomic_path, make_directory

_KEPT = 2


def save_state(directory: Path, facts: dict[str, Any], variables: Sequence[Any]) -> None:
    """Writes `step-N.npz`, where N is `facts["step"]`; keeps the newest two."""
    make_directory(directory)
    buffer = io.BytesIO()
    arrays = [keras.ops.convert_to_numpy(variable) for variable in variables]
    np.savez(buffer, json.dumps(facts), *arrays)
    with atomic_path(directory / f"step-{facts['step']:09d}.npz") as temporary:
        temporary.write_bytes(buffer.getbuffer())
    for old in state_files(directory)[_KEPT:]:
        old.unlink(missing_ok=True)


def restore_state(directory: Path, variables: Sequence[Any]) -> dict[str, Any]:
    """Assigns the newest state that is whole, and returns its facts.

    Raises:
        CheckpointError: there is none, or it is of another model.
    """
    for path in state_files(directory):
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                facts, *arrays = (archive[name] for name in archive.files)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            continue  # damaged: the one before is as good, only older
        if [array.shape for array in arrays] != [tuple(variable.shape) for variable in variables]:
            raise CheckpointError(f"{path}: is of another model. Train anew with another --run-dir.")
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)
        return json.loads(str(facts))
    raise CheckpointError(f"{directory}: holds no checkpoint to resume from.")


def state_files(directory: Path) -> list[Path]:
    """Returns the states in `directory`, the newest first."""
    return sorted(directory.glob("step-*.npz"), reverse=True)
