"""Shows explanations in a terminal: the text with marked words, and the most important words."""

import math
import unicodedata
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kerasbert.explanation.integrate import ABSOLUTE_ERROR, RELATIVE_ERROR

_TOP = 5
_BAR = 12  # characters
_FAINT = 0.15  # of the largest attribution: below it a word is not marked
# Distinguishable without colours: words for the label are underlined, words against it struck out.
_FOR, _AGAINST = "blue underline", "red strike"


def show(record: dict[str, Any], console: Console) -> None:
    """Prints one record of `kerasbert.predictors.explain_rows`."""
    texts = [record["words"], *([record["pair_words"]] if "pair" in record else [])]
    words = [word for text in texts for word in text]
    largest = max((abs(word["attribution"]) for word in words), default=0.0)
    console.print(
        _headline(record),
        *(_marked(text, largest) for text in texts),
        sep="\n",
        soft_wrap=True,
        highlight=False,
    )
    if words:
        console.print(_table(sorted(words, key=lambda word: -abs(word["attribution"]))[:_TOP], largest))
    console.print()


def _headline(record: dict[str, Any]) -> Text:
    score, baseline = record["score"], record["baseline_score"]
    probability = 1 / (1 + math.exp(-max(score, -700.0)))
    line = Text.assemble(
        (record["label"] or "(no label)", "bold"),
        f"  probability {probability:.3f}, log-odds {score:+.2f}, {baseline:+.2f} with everything masked",
    )
    if record["error"] > max(RELATIVE_ERROR * abs(score - baseline), ABSOLUTE_ERROR):
        line.append(f"; the attributions miss the difference by {record['error']:.2g}", "yellow")
    return line


def _marked(words: list[dict[str, Any]], largest: float) -> Text:
    text = Text()
    for word in words:
        if _needs_space(text.plain, word["word"]):
            text.append(" ")
        share = word["attribution"] / largest if largest else 0.0
        style = "" if abs(share) < _FAINT else _FOR if share > 0 else _AGAINST
        text.append(word["word"], f"{style} bold" if abs(share) > 0.5 else style)
    return text


def _needs_space(before: str, word: str) -> bool:
    """Whether a space belongs between `before` and `word`: not in Chinese, not before a comma."""
    if not before or unicodedata.category(word[0]).startswith("P"):
        return False
    return all(unicodedata.east_asian_width(character) not in "WF" for character in (before[-1], word[0]))


def _table(words: list[dict[str, Any]], largest: float) -> Table:
    table = Table.grid(padding=(0, 2))
    for word in words:
        attribution = word["attribution"]
        length = round(_BAR * abs(attribution) / largest) if largest else 0
        bar = Text("█" * length, "blue" if attribution > 0 else "red")
        table.add_row("", Text(word["word"]), f"{attribution:+.2f}", bar)
    return table
