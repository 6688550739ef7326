"""How many decisions change when texts are edited in ways that keep their meaning."""

import re
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from kerasbert import progress
from kerasbert.data import Rows
from kerasbert.evaluation.bootstrap import exact_interval
from kerasbert.predictors import Model, predict_rows, stack_answers
from kerasbert.predictors.texts import TextRow
from kerasbert.tasks.metrics import decisions

Edit = Callable[[str], str]

_TO_FULL_WIDTH = {code: code + 0xFEE0 for code in map(ord, "0123456789")} | {
    code: code + 0xFEE0 for letters in ("AZ", "az") for code in range(ord(letters[0]), ord(letters[1]) + 1)
}
_TO_ASCII = str.maketrans("，。！？：；（）“”", ',.!?:;()""')
_CHINESE_BESIDE_LATIN = re.compile("(?<=[\u4e00-\u9fff])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9])(?=[\u4e00-\u9fff])")
_FINAL_PUNCTUATION = "。！？!?.~～…"


def _without_final_punctuation(text: str) -> str:
    end = len(text)
    while end and (text[end - 1].isspace() or text[end - 1] in _FINAL_PUNCTUATION):
        end -= 1
    return text[:end] or text


def edits(texts: Sequence[str]) -> dict[str, Edit]:
    """Returns the edits by name; those that need OpenCC or pypinyin only if it is installed.

    Args:
        texts: homophones are drawn from their characters.
    """
    found: dict[str, Edit] = {
        "full-width letters and digits": lambda text: text.translate(_TO_FULL_WIDTH),
        "ASCII punctuation": lambda text: text.translate(_TO_ASCII),
        "no final punctuation": _without_final_punctuation,
        "spaces between Chinese and Latin": lambda text: _CHINESE_BESIDE_LATIN.sub(" ", text),
        "an emoji at the end": lambda text: f"{text}📌",
        "upper case": str.upper,
    }
    if find_spec("opencc"):
        found["traditional characters"] = import_module("opencc").OpenCC("s2t").convert
    if find_spec("pypinyin"):
        from kerasbert.augmentation.homophones import Homophones  # with TensorFlow

        replace, random = Homophones(texts), np.random.default_rng(0)
        found["one homophone"] = lambda text: replace(text, 0, random)
    return found


def robustness_metrics(
    model: Model, rows: Rows, decided: np.ndarray, targets: np.ndarray
) -> list[dict[str, Any]]:
    """Returns for each edit how many decisions change.

    Args:
        model: what answers; only texts that an edit changes are asked again.
        rows: what it answered.
        decided: its decisions, [rows, labels] of zeros and ones.
        targets: true labels, likewise.

    Returns:
        For each edit that changes a text: `edit`, `rows` (the texts that it changes), `flips` (the
        decisions that change), `share`, its exact 95 % `interval`, and the `accuracy` of these rows before
        and, as `accuracy_edited`, after.
    """
    found = []
    for name, edit in edits(rows.texts).items():
        changed = [
            (place, TextRow(edit(row.text), None if row.pair is None else edit(row.pair)))
            for place, row in enumerate(rows.rows)
        ]
        changed = [(i, row) for i, row in changed if tuple(row) != (rows.rows[i].text, rows.rows[i].pair)]
        if not changed:
            continue
        asked = progress.track(predict_rows(model, [row for _, row in changed]), name, len(changed))
        outputs = stack_answers(asked)
        places = [place for place, _ in changed]
        after, before, truth = decisions(outputs, len(model.labels)), decided[places], targets[places]
        flips = int(np.sum(np.any(after != before, axis=1)))
        found.append(
            {
                "edit": name,
                "rows": len(places),
                "flips": flips,
                "share": flips / len(places),
                "interval": [round(end, 6) for end in exact_interval(flips, len(places))],
                "accuracy": float(np.mean(np.all(before == truth, axis=1))),
                "accuracy_edited": float(np.mean(np.all(after == truth, axis=1))),
            }
        )
    return found
