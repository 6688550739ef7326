"""Stores the state of a training, its variables and its position, in one file."""

import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerasbert.errors import CheckpointError
from kerasbert.files import atomic_path, make_directory

_DIGEST = hashlib.sha256().digest_size


def save_state(directory: Path, facts: dict[str, Any], variables: Sequence[Any], keep: int = 2) -> None:
    """Writes `step-N.state`, where N is `facts["step"]`; keeps the newest `keep`.

    The file is the SHA-256 of what follows, then NumPy's npz.
    """
    make_directory(directory)
    buffer = io.BytesIO()
    arrays = [keras.ops.convert_to_numpy(variable) for variable in variables]
    np.savez(buffer, json.dumps(facts), *arrays)
    content = buffer.getbuffer()
    with (
        atomic_path(directory / f"step-{facts['step']:09d}.state") as temporary,
        temporary.open("wb") as file,
    ):
        file.write(hashlib.sha256(content).digest())
        file.write(content)
    for old in state_files(directory)[keep:]:
        old.unlink(missing_ok=True)


def restore_state(directory: Path, variables: Sequence[Any]) -> tuple[dict[str, Any], list[str]]:
    """Assigns the newest intact state.

    Returns:
        Its facts, and a note for each damaged file that was passed over.

    Raises:
        CheckpointError: there is none, or it is of another model.
    """
    notes = []
    for path in state_files(directory):
        try:
            content = memoryview(path.read_bytes())
        except OSError as error:
            notes.append(f"{path}: cannot be read ({error.strerror}), so the checkpoint before it is taken.")
            continue
        if content[:_DIGEST] != hashlib.sha256(content[_DIGEST:]).digest():
            notes.append(f"{path}: damaged, so the checkpoint before it is taken.")
            continue
        with np.load(io.BytesIO(content[_DIGEST:]), allow_pickle=False) as archive:
            facts, *arrays = (archive[name] for name in archive.files)
        if [array.shape for array in arrays] != [tuple(variable.shape) for variable in variables]:
            raise CheckpointError(
                f"{path}: belongs to another model. Start a new run with another run_dir (--output)."
            )
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)
        return json.loads(str(facts)), notes
    raise CheckpointError(f"{directory}: holds no checkpoint to resume from.")


def state_files(directory: Path) -> list[Path]:
    """Returns the states in `directory`, the newest first."""
    return sorted(directory.glob("step-*.state"), reverse=True)
