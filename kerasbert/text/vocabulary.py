"""A WordPiece vocabulary file: one token a line, with the line number as its id."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from kerasbert.encoding import convert_first, guess_encoding
from kerasbert.errors import VocabularyError
from kerasbert.files import write_text

UNKNOWN = "[UNK]"
SPECIAL_TOKENS = ("[PAD]", UNKNOWN, "[CLS]", "[SEP]", "[MASK]")


class Vocabulary:
    """The tokens in the order of their ids.

    Args:
        tokens: distinct strings that include the five special tokens.

    Raises:
        VocabularyError: a special token is missing or a token repeats.
    """

    def __init__(self, tokens: Iterable[str]):
        self.tokens = tuple(tokens)
        ids = {token: index for index, token in enumerate(self.tokens)}
        missing = [token for token in SPECIAL_TOKENS if token not in ids]
        if missing:
            raise VocabularyError(f"the vocabulary lacks {', '.join(missing)}.")
        if len(ids) != len(self.tokens):
            first = next(i for i, token in enumerate(self.tokens) if ids[token] != i)
            raise VocabularyError(
                f"the vocabulary holds {self.tokens[first]!r} more than once: in lines {first + 1} and "
                f"{ids[self.tokens[first]] + 1}."
            )
        self.pad, self.unk, self.cls, self.sep, self.mask = (ids[t] for t in SPECIAL_TOKENS)

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def digest(self) -> str:
        """SHA-256 of the file that `save` writes."""
        return hashlib.sha256(self._file_content().encode()).hexdigest()

    @classmethod
    def load(cls, path: str | Path) -> "Vocabulary":
        """Reads a file that `save` wrote."""
        # Not splitlines: characters such as U+2028 may be tokens.
        return cls._of_lines(path, _read(path).removesuffix("\n").split("\n"))

    @classmethod
    def import_file(cls, path: str | Path) -> "Vocabulary":
        """Reads a vocab.txt of another tool, as Transformers does.

        Whitespace after a token and blank lines at the end are ignored.
        """
        lines = _read(path).rstrip("\r\n\t ").split("\n")
        return cls._of_lines(path, [line.rstrip() or line.rstrip("\r") for line in lines])

    @classmethod
    def _of_lines(cls, path: str | Path, lines: list[str]) -> "Vocabulary":
        try:
            return cls(line.rstrip("\r") for line in lines)
        except VocabularyError as error:
            raise VocabularyError(f"{path}: {error}") from error

    def save(self, path: Path) -> None:
        """Writes a vocab.txt."""
        write_text(path, self._file_content())

    def _file_content(self) -> str:
        return "".join(f"{token}\n" for token in self.tokens)


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
