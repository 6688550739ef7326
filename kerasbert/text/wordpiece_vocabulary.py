"""A WordPiece vocabulary file: one token a line, with the line number as its id."""

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from kerasbert.encoding import convert_first, guess_encoding
from kerasbert.errors import VocabularyError
from kerasbert.text.vocabulary import JOINED, Vocabulary

UNKNOWN = "[UNK]"
SPECIAL_TOKENS = ("[PAD]", UNKNOWN, "[CLS]", "[SEP]", "[MASK]")
# Between Chinese characters the spaces between tokens mean nothing.
_SPACE = re.compile(r"(?<=[一-鿿]) | (?=[一-鿿])")


class WordPieceVocabulary(Vocabulary):
    """BERT's vocabulary: words, and pieces of words that begin with ##.

    Args:
        tokens: distinct strings that include the five special tokens.

    Raises:
        VocabularyError: a special token is missing or a token repeats.
    """

    kind = "WordPiece"
    file_name = "vocab.txt"

    def __init__(self, tokens: Iterable[str]):
        tokens = tuple(tokens)
        ids = {token: index for index, token in enumerate(tokens)}
        missing = [token for token in SPECIAL_TOKENS if token not in ids]
        if missing:
            raise VocabularyError(f"the vocabulary lacks {', '.join(missing)}.")
        if len(ids) != len(tokens):
            first = next(i for i, token in enumerate(tokens) if ids[token] != i)
            raise VocabularyError(
                f"the vocabulary holds {tokens[first]!r} more than once: in lines {first + 1} and "
                f"{ids[tokens[first]] + 1}."
            )
        super().__init__(tokens, SPECIAL_TOKENS)

    @classmethod
    def load(cls, path: str | Path) -> "WordPieceVocabulary":
        """Reads a file that `save` wrote."""
        # Not splitlines: characters such as U+2028 may be tokens.
        return cls._of_lines(path, _read(path).removesuffix("\n").split("\n"))

    @classmethod
    def import_file(cls, path: str | Path) -> "WordPieceVocabulary":
        """Reads a vocab.txt of another tool, as Transformers does.

        Whitespace after a token and blank lines at the end are ignored.
        """
        lines = _read(path).rstrip("\r\n\t ").split("\n")
        return cls._of_lines(path, [line.rstrip() or line.rstrip("\r") for line in lines])

    @classmethod
    def _of_lines(cls, path: str | Path, lines: list[str]) -> "WordPieceVocabulary":
        try:
            return cls(line.rstrip("\r") for line in lines)
        except VocabularyError as error:
            raise VocabularyError(f"{path}: {error}") from error

    @property
    def content(self) -> bytes:
        """The content of the file."""
        return "".join(f"{token}\n" for token in self.tokens).encode()

    @property
    def ordinary(self) -> np.ndarray:
        """The ids of tokens that are neither special nor reserved."""
        return np.array(
            [
                index
                for index, token in enumerate(self.tokens)
                if token not in SPECIAL_TOKENS and not token.startswith("[unused")
            ],
            np.int32,
        )

    @property
    def joints(self) -> tuple[np.ndarray, np.ndarray]:
        """How tokens make up words; see `Vocabulary`."""
        continues = np.array([token.startswith("##") for token in self.tokens])
        return np.where(continues, JOINED, 0).astype(np.int8), np.zeros(len(self), np.int8)

    @property
    def required(self) -> np.ndarray:
        """The ids of the special tokens: the longest piece that fits stays the longest among fewer."""
        return np.array(sorted(self.ids[token] for token in self.special_tokens), np.int32)

    def subset(self, ids: Iterable[int]) -> "WordPieceVocabulary":
        """Returns the vocabulary of these tokens in this order."""
        return WordPieceVocabulary(self.tokens[index] for index in ids)

    def spell(self, ids: Iterable[int]) -> str:
        """Returns the normalised text of `ids`, without special tokens."""
        tokens = [self.tokens[index] for index in ids]
        words = " ".join(token for token in tokens if token not in SPECIAL_TOKENS).replace(" ##", "")
        return _SPACE.sub("", words)


def _read(path: str | Path) -> str:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise VocabularyError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        encoding = guess_encoding(Path(path).read_bytes())
        hint = f"It reads as {encoding}. {convert_first(encoding)}" if encoding else "Save it as UTF-8."
        raise VocabularyError(f"{path}: is not UTF-8 (byte {error.start}). {hint}") from error
    if text.startswith("\ufeff"):
        raise VocabularyError(
            f"{path}: starts with a byte order mark, which would become part of the first token. Save the "
            "file as UTF-8 without one."
        )
    return text
