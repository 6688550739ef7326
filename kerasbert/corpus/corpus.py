"""A corpus directory: shards of examples, their vocabulary, settings and counts."""

import dataclasses
import hashlib
import os
from pathlib import Path

from kerasbert.config import parse_config
from kerasbert.corpus.settings import CorpusSettings
from kerasbert.corpus.shards import Counts, read_json, shard_names
from kerasbert.errors import DataError
from kerasbert.files import wrap_read_errors
from kerasbert.text import Vocabulary, load_vocabulary

SETUP, SUMMARY = "setup.json", "corpus.json"
_END = 1 << 16


@dataclasses.dataclass(frozen=True)
class Corpus:
    """A finished corpus."""

    path: Path
    settings: CorpusSettings
    vocabulary: Vocabulary
    counts: dict[str, Counts]  # of each split

    @classmethod
    def open(cls, path: str | Path) -> "Corpus":
        """Opens a corpus directory.

        Raises:
            DataError: it is not a corpus, not finished, or damaged.
        """
        path = Path(path)
        if not (path / SUMMARY).is_file():
            unfinished = (path / SETUP).is_file()
            raise DataError(
                f"{path}: "
                + (
                    "this corpus is not finished. Run kerasbert corpus build again to continue."
                    if unfinished
                    else f"is not a corpus (it has no {SUMMARY}). Make one with kerasbert corpus build."
                )
            )
        values = read_json(path / SETUP, lambda setup: setup["settings"])
        settings = parse_config(CorpusSettings, values, where=str(path / SETUP))
        splits = shard_names(settings)
        counts = read_json(path / SUMMARY, lambda summary: {name: Counts(**summary[name]) for name in splits})
        return cls(path, settings, load_vocabulary(path), counts)

    @property
    def count(self) -> int:
        """Number of examples to train on."""
        return self.counts["train"].examples

    def __str__(self) -> str:
        return f"{self.path}: {self.count:,} examples of up to {self.settings.max_length} tokens"

    def digest(self) -> str:
        """Returns a digest of the settings, the vocabulary and the examples.

        Only the size and both ends of each shard are read, since shards may be many gigabytes.
        """
        digest = hashlib.sha256(self.settings.model_dump_json().encode() + self.vocabulary.digest.encode())
        for split in self.counts:
            for path in self.files(split):
                with wrap_read_errors(Path(path)), open(path, "rb") as file:
                    size = file.seek(0, os.SEEK_END)
                    for start in (0, max(size - _END, 0)):
                        file.seek(start)
                        digest.update(f"{size} ".encode() + file.read(_END))
        return digest.hexdigest()

    def files(self, split: str) -> list[str]:
        """Returns the paths of the shards of `train` or `validation`."""
        return [str(self.path / f"{name}.tfrecord") for name in shard_names(self.settings)[split]]
