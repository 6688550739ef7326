"""Checks the texts that people pass, and turns them into rows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from kerasbert.errors import DataError, excerpt

Texts = str | Iterable[str]  # what people may pass
Batch = Sequence[str | bytes]  # what a model predicts at once


class TextRow(NamedTuple):
    """A text, or a pair of texts, to answer."""

    text: str
    pair: str | None = None


class _Asked(Protocol):
    @property
    def takes_pairs(self) -> bool: ...


def read_texts(model: _Asked, texts: Texts, pairs: Texts | None = None) -> tuple[list[TextRow], bool]:
    """Returns the rows to answer, and whether a single text was passed.

    Raises:
        DataError: an item is not a text, or pairs are missing, not wanted or not as many as the texts.
    """
    if pairs is not None and not model.takes_pairs:
        raise DataError(f"pairs: {model!r} takes single texts, not pairs. Leave them out.")
    if pairs is None and model.takes_pairs:
        raise DataError(
            f"pairs: {model!r} takes pairs: two texts a row. Pass the second ones too: (texts, pairs)"
        )
    single = isinstance(texts, str)
    first = _listed(texts, "texts")
    if pairs is None:
        return [TextRow(text) for text in first], single
    second = _listed(pairs, "pairs")
    if single != isinstance(pairs, str) or len(first) != len(second):
        raise DataError(
            "texts and pairs: must be two texts, or equally many. "
            f"Received: {_count(texts, first)} and {_count(pairs, second)}"
        )
    return [TextRow(*row) for row in zip(first, second, strict=True)], single


def _listed(texts: Any, name: str) -> list[str]:
    if isinstance(texts, str):
        return [require_text(texts, name)]
    table = isinstance(texts, Mapping) or hasattr(texts, "columns") or getattr(texts, "ndim", 1) != 1
    if table or isinstance(texts, bytes | bytearray) or not isinstance(texts, Iterable):
        advice = ""
        if table:
            advice = " Pass one column of it."
        elif isinstance(texts, bytes | bytearray):
            advice = " Decode it: texts.decode()"
        received = repr(texts) if texts is None or isinstance(texts, int | float) else type(texts).__name__
        raise DataError(
            f"{name}: must be a text (str) or an iterable of texts. Received: {received}.{advice}"
        )
    # An Arrow array gives scalars of its own otherwise.
    items = texts.to_pylist() if hasattr(texts, "to_pylist") else texts
    return [require_text(item, f"{name}[{place}]") for place, item in enumerate(items)]


def require_text(item: Any, name: str) -> str:
    """Returns an item called `name` as a text.

    Raises:
        DataError: it is none.
    """
    if not isinstance(item, str):
        advice = ""
        if isinstance(item, bytes):
            advice = " Decode it."
        elif isinstance(item, tuple | list):
            advice = " Pass the second texts of pairs as an argument of their own: (texts, pairs)"
        raise DataError(
            f"{name}: must be a text (str). Received: {excerpt(item)} ({type(item).__name__}).{advice}"
        )
    try:
        item.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"{name}: holds half of a surrogate pair, which is no character, at place {error.start}. "
            f"Received: {excerpt(repr(item))}"
        ) from None
    return str(item)  # NumPy has strings of its own


def _count(given: Any, listed: list[str]) -> str:
    return "one text" if isinstance(given, str) else f"{len(listed)} texts"
