"""Predicts a stream of rows in batches, in order and in constant memory; JSON-ready records of answers."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Protocol, TypeVar

import numpy as np

WINDOW = 1024
Arrays = dict[str, np.ndarray]  # outputs by name, the batch first


class TextLike(Protocol):
    """A row of data, or any other text or pair of texts."""

    @property
    def text(self) -> str:
        """The text."""

    @property
    def pair(self) -> str | None:
        """The second text."""


AnyRow = TypeVar("AnyRow", bound=TextLike)
Item = TypeVar("Item")


def in_batches(
    ask: Callable[[Sequence[str], Sequence[str] | None], Arrays],
    rows: Iterable[AnyRow],
    window: int = WINDOW,
    size: int | None = None,
) -> Iterator[tuple[AnyRow, dict[str, np.ndarray]]]:
    """Yields each row with its outputs, in the order of `rows`.

    Args:
        ask: returns the outputs for the texts, and the pairs if there are any, of one batch.
        rows: may be infinite.
        window: number of rows to read, sort by length for speed, and predict at a time.
        size: maximum number of rows of a batch. None: `window`.
    """
    for part in _batched(rows, window):
        order = sorted(range(len(part)), key=lambda i: len(part[i].text) + len(part[i].pair or ""))
        answers: list[dict[str, np.ndarray]] = [{}] * len(part)
        for indices in _batched(order, size or window):
            texts = [part[i].text for i in indices]
            pairs = [part[i].pair or "" for i in indices] if part[0].pair is not None else None
            outputs = ask(texts, pairs)
            for place, index in enumerate(indices):
                answers[index] = {name: value[place] for name, value in outputs.items()}
        yield from zip(part, answers, strict=True)


def stack_answers(answered: Iterable[tuple[Any, Arrays]]) -> Arrays:
    """Returns the outputs of all rows that `in_batches` yields, arrays with the rows first; there is one."""
    answers = [answer for _, answer in answered]
    return {name: np.stack([answer[name] for answer in answers]) for name in answers[0]}


def answer_record(row: TextLike, answer: dict[str, Any], labels: tuple[str, ...]) -> dict[str, Any]:
    """Returns an answer as JSON-ready values: text, label, score, the task's outputs, probabilities."""
    record: dict[str, Any] = {"text": row.text}
    if row.pair is not None:
        record["pair"] = row.pair
    record["label"] = _plain(answer["label"])
    record["score"] = _plain(answer["score"])
    known = ("label", "score", "label_id", "probabilities")
    record.update({name: _plain(value) for name, value in answer.items() if name not in known})
    record["probabilities"] = dict(zip(labels, _plain(answer["probabilities"]), strict=True))
    return record


def _batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    # itertools.batched comes with Python 3.12.
    iterator = iter(items)
    while part := list(islice(iterator, size)):
        yield part


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")  # a task may cut texts at any byte
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value]
    if isinstance(value, np.floating):
        return round(float(value), 6)
    return value.item() if isinstance(value, np.generic) else value
