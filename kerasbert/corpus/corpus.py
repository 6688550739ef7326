"""A corpus directory: shards of examples, the vocabulary they are of, and what they hold."""

import dataclasses
import json
from pathlib import Path

from kerasbert.config import parse_config
from kerasbert.corpus.settings import CorpusSettings
from kerasbert.corpus.shards import Counts, shard_names
from kerasbert.errors import DataError
from kerasbert.text import Vocabulary

SETUP, SUMMARY = "setup.json", "corpus.json"


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
            DataError: it is none, or its building did not finish.
        """
        path = Path(path)
        if not (path / SUMMARY).is_file():
            unfinished = (path / SETUP).is_file()
            raise DataError(
                f"{path}: "
                + (
                    "this corpus is not finished. Run kerasbert corpus build again; it goes on where it was."
                    if unfinished
                    else f"is not a corpus (it has no {SUMMARY}). Make one with kerasbert corpus build."
                )
            )
        setup = json.loads((path / SETUP).read_text(encoding="utf-8"))
        settings = parse_config(CorpusSettings, setup["settings"], where=str(path / SETUP))
        summary = json.loads((path / SUMMARY).read_text(encoding="utf-8"))
        counts = {split: Counts(**of_split) for split, of_split in summary.items()}
        return cls(path, settings, Vocabulary.load(path / "vocab.txt"), counts)

    def files(self, split: str) -> list[str]:
        """Returns the paths of the shards of `train` or `validation`."""
        return [str(self.path / f"{name}.tfrecord") for name in shard_names(self.settings)[split]]
