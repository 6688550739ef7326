"""Joins the Chinese characters of an explanation to words, where a model reads them one by one."""

import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

_CHARACTER = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def join_characters(record: dict[str, Any], cut: Callable[[str], Iterable[str]]) -> dict[str, Any]:
    """Returns an explanation with neighbouring Chinese characters joined to words; attributions add up.

    Args:
        record: of `kerasbert.predictors.explain_rows`.
        cut: splits a text into words, as `kerasbert.text.segment.word_segmenter` does.
    """
    joined = {"words": _joined(record["words"], record["text"], cut)}
    if "pair" in record:
        joined["pair_words"] = _joined(record["pair_words"], record["pair"], cut)
    return record | joined


def _joined(
    words: Sequence[dict[str, Any]], text: str, cut: Callable[[str], Iterable[str]]
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for character, run in itertools.groupby(words, lambda of: bool(_CHARACTER.fullmatch(of["word"]))):
        together = list(run)
        for word in cut("".join(of["word"] for of in together)) if character else ():
            part = [together.pop(0) for _ in word]
            if word in text:  # not where spaces, or words that were not read, stand between its characters
                moved = sum(of["attribution"] for of in part)
                part = [{"word": word, "attribution": round(moved, 6)}]
            found += part
        found += together
    return found
