"""Writes the history of a training: a line of JSON per segment, and TensorBoard curves."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from kerasbert.files import append_json, write_text


class History:
    """Writes the record of each segment.

    Args:
        path: of the JSON lines.
        tensorboard: directory of the event files.
        writes: whether this process writes them.
    """

    def __init__(self, path: Path, tensorboard: Path, writes: bool = True):
        self._path, self._writes = path, writes
        self._summary = tf.summary.create_noop_writer()
        if writes:
            self._summary = tf.summary.create_file_writer(str(tensorboard))

    def add(self, record: Mapping[str, Any], number: int) -> None:
        """Appends a record; for TensorBoard, its numbers are at `number`."""
        if not self._writes:
            return
        append_json(self._path, record)
        with self._summary.as_default():
            for name, value in record.items():
                if isinstance(value, float):
                    tf.summary.scalar(name, value, step=number)
        self._summary.flush()

    def cut(self, count: int) -> None:
        """Drops all lines after the first `count`, whose segments will be repeated."""
        if self._writes and self._path.is_file():
            lines = self._path.read_text(encoding="utf-8").splitlines(keepends=True)
            write_text(self._path, "".join(lines[:count]))
