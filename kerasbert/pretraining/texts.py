"""Files of texts to learn from a teacher."""

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kerasbert import progress
from kerasbert.corpus import Document, read_documents
from kerasbert.corpus.read import FIXED
from kerasbert.errors import DataError

# Of 100 texts about one is held out, wherever it occurs.
_HELD_OUT = 100


@dataclass(frozen=True)
class TextFile:
    """The texts of a file.

    Attributes:
        path: of the file.
        texts: all different ones, in the order of the file.
        rows: int32, which of `texts` each line or sentence is.
        unreadable: number of lines that could not be read.
    """

    path: Path
    texts: tuple[str, ...]
    rows: np.ndarray
    unreadable: int

    @classmethod
    def read(cls, path: str | Path) -> "TextFile":
        """Reads a file in a format of `read_documents`.

        Raises:
            DataError: it cannot be read, or has no text.
        """
        numbers: dict[str, int] = {}
        rows, unreadable = [], 0
        documents = read_documents(path, 0, settings=FIXED)
        for document in progress.track(documents, f"reading {path}", unit="documents"):
            if not isinstance(document, Document):
                unreadable += 1
                continue
            rows += [numbers.setdefault(" ".join(text.split()), len(numbers)) for text in document.sentences]
        if not rows:
            raise DataError(f"{path}: has no text.")
        return cls(Path(path), tuple(numbers), np.array(rows, np.int32), unreadable)

    @functools.cached_property
    def held_out(self) -> np.ndarray:
        """Which of `texts` are held out, the same in all files: bool [texts]."""
        return np.array([_digest(text)[0] % _HELD_OUT == 0 for text in self.texts])


@dataclass(frozen=True)
class Texts:
    """The texts of a phase."""

    files: Sequence[TextFile]  # one that counts twice is here twice
    max_length: int

    @property
    def count(self) -> int:
        """Number of texts to train on, those that count twice twice."""
        return sum(int((~file.held_out[file.rows]).sum()) for file in self.files)

    def digest(self) -> str:
        """Returns a digest of the texts and their order."""
        digest = hashlib.sha256()
        for file in self.files:
            digest.update("\n".join(file.texts).encode() + file.rows.tobytes())
        return digest.hexdigest()

    def __str__(self) -> str:
        names = ", ".join(dict.fromkeys(str(file.path) for file in self.files))
        return f"{names}: {self.count:,} texts of up to {self.max_length} tokens"


def _digest(text: str) -> np.ndarray:
    return np.frombuffer(hashlib.blake2b(text.encode(), digest_size=4).digest(), np.uint32)
