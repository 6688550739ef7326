"""What all vocabularies have in common."""

import abc
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from kerasbert.files import atomic_path

# A token continues the word of the one before it from this sum of their `joints` on.
JOINED = 3


class Vocabulary(abc.ABC):
    """The tokens of an encoder in the order of their ids, and the file that holds them.

    Two vocabularies are the same if their digests are.

    Args:
        tokens: distinct strings; the position is the id.
        special_tokens: how the tokens for padding, for what the vocabulary lacks, for the start, for the end
            of a text and for masked places are spelled.

    Attributes:
        kind: the algorithm that splits texts into these tokens.
        file_name: of the file that `save` writes.
        ids: the id of each token.
        pad, unk, cls, sep, mask: the ids of the special tokens.
        two_separators: whether the two texts of a pair have two separators between them and are one segment,
            as in RoBERTa; otherwise they have one and are two segments, as in BERT.
    """

    kind: ClassVar[str]
    file_name: ClassVar[str]
    two_separators: bool = False

    def __init__(self, tokens: Sequence[str], special_tokens: Sequence[str]):
        self.tokens, self.special_tokens = tuple(tokens), tuple(special_tokens)
        self.ids = {token: index for index, token in enumerate(self.tokens)}
        self.pad, self.unk, self.cls, self.sep, self.mask = (self.ids[token] for token in special_tokens)

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def digest(self) -> str:
        """SHA-256 of the file that `save` writes."""
        return hashlib.sha256(self.content).hexdigest()

    def save(self, path: Path) -> None:
        """Writes the file; `load_vocabulary` finds it by the name `file_name`."""
        with atomic_path(path) as temporary:
            temporary.write_bytes(self.content)

    @property
    @abc.abstractmethod
    def content(self) -> bytes:
        """The content of the file."""

    @property
    @abc.abstractmethod
    def ordinary(self) -> np.ndarray:
        """The ids of tokens that are neither special nor reserved: int32 [ids], sorted."""

    @property
    @abc.abstractmethod
    def joints(self) -> tuple[np.ndarray, np.ndarray]:
        """How tokens make up words: two values of each token, int8 [tokens] each.

        A token continues the word of the token before it if its first value and the second value of that
        one sum to `JOINED` or more.
        """

    @property
    @abc.abstractmethod
    def required(self) -> np.ndarray:
        """The ids that a subset needs to split texts of its tokens as before: int32 [ids], sorted."""

    @abc.abstractmethod
    def subset(self, ids: Iterable[int]) -> Self:
        """Returns the vocabulary of these tokens in this order; the `required` ones must be among them."""

    @abc.abstractmethod
    def spell(self, ids: Iterable[int]) -> str:
        """Returns the normalised text of `ids`, without special tokens."""
