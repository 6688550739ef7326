"""Folds what a family adds to a token's embedding into BERT's three tables."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kerasbert.checkpoints.families import Family, first_position
from kerasbert.checkpoints.tensor_names import Shapes
from kerasbert.errors import CheckpointError

_POSITIONS = "bert.embeddings.position_embeddings.weight"
_SEGMENTS = "bert.embeddings.token_type_embeddings.weight"
_TASKS = "bert.embeddings.task_type_embeddings.weight"
_OURS = 2  # segments
_NOTES = {
    0: "it has no segment embeddings: those of both texts of a pair start at zero",
    1: "it has one segment embedding, which both texts of a pair get",
}

Read = Callable[[str], np.ndarray]


def fold(
    where: str, shapes: Shapes, read: Read, family: Family, values: Mapping[str, Any]
) -> tuple[Shapes, Read, list[str]]:
    """Returns the tensors of a file as BERT's tables, and notes for the user.

    - The position table begins with the row of the first token: those before it belong to no token.
    - The segment table has two rows: the first two; or twice the only one; or zeros where there is none.
    - The row of task type 0, which ERNIE adds to every token, is added to both segments.

    Widths are left for `require_partners` to compare.

    Args:
        where: the file, for messages.
        shapes: of the tensors by BERT's names.
        read: returns a tensor by its name.
        family: of the file.
        values: of its configuration, as `read_bert_config` checked them.
    """
    folded, notes = dict(shapes), []
    rows, *hidden = shapes.get(_POSITIONS) or (0,)
    first = first_position(family, values)
    if rows > first:
        folded[_POSITIONS] = (rows - first, *hidden)
    segments = values.get("type_vocab_size", family.defaults.get("type_vocab_size", _OURS))
    stored, *width = shapes.get(_SEGMENTS) or (0, *hidden)
    if stored != segments:
        raise CheckpointError(f"{where}: {_SEGMENTS} has {stored} rows, but type_vocab_size is {segments}.")
    if segments != _OURS:
        folded[_SEGMENTS] = (_OURS, *width)
        notes.append(
            _NOTES.get(segments, f"the first {_OURS} of its {segments} segment embeddings were read")
        )
    adds_task = bool(values.get("use_task_id"))
    if adds_task and _TASKS not in shapes:
        raise CheckpointError(f"{where}: {_TASKS} is missing, but use_task_id is true.")
    if adds_task and shapes[_TASKS] > (0,) and shapes[_TASKS][1:] == tuple(hidden):
        del folded[_TASKS]
        notes.append("its embedding of task type 0, which every token gets, was added to the segments")

    def read_folded(name: str) -> np.ndarray:
        if name == _POSITIONS:
            return read(name)[first:]
        if name != _SEGMENTS:
            return read(name)
        table = read(name).astype(np.float32) if segments else np.zeros((1, *hidden), np.float32)
        table = table[np.arange(_OURS) % len(table)]
        return table + read(_TASKS)[0].astype(np.float32) if adds_task else table

    return folded, read_folded, notes
