"""How accurate a model is in parts of the rows, and whether the gaps could be chance."""

import re
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr
from scipy.stats import fisher_exact

from kerasbert.evaluation.bootstrap import Units, exact_interval, intervals, share

FEWEST = 10  # rows of a slice and of the rest, for a test
_MOST_VALUES = 20  # of a column
EMPTY, OTHERS = "(empty)", "(others)"
CAUTION = (
    "A gap shows that the model is right more or less often there than on the other rows, not why: the slice "
    "may hold more of a hard label, or less reliable labels. Where none is shown there may still be one: see "
    "its interval."
)

_HAN = re.compile("[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f\uff21-\uff3a\uff41-\uff5a]")
_LETTER = re.compile(r"[^\W\d_]")
_DIGIT = re.compile(r"\d")
_LINK = re.compile(
    # Bounded, as host names are: without that, time grows with the square of a long word.
    r"https?://|www\.|\b[\w-]{1,63}\.(?:com|cn|net|org|io|cc|me|top)\b|[\w.-]{1,64}@[\w-]{1,63}\.\w",
    re.I | re.A,
)


@dataclass(frozen=True)
class Slicing:
    """A division of all rows into slices.

    Attributes:
        by: what divides them, such as `length` or the name of a column.
        values: the slice of each row.
        order: of the slices. None: the largest first.
        column: whether it is a column, rather than found in the texts.
    """

    by: str
    values: Sequence[str]
    order: Sequence[str] | None = None
    column: bool = False

    @property
    def slices(self) -> list[str]:
        """The slices that have rows."""
        counts = Counter(self.values)
        return [value for value in self.order or [name for name, _ in counts.most_common()] if counts[value]]


def automatic_slicings(texts: Sequence[str]) -> list[Slicing]:
    """Divides texts by length, script, and the presence of digits, links and Latin letters."""
    return [
        _by_length(texts),
        Slicing("script", [_script(text) for text in texts]),
        *(
            Slicing(name, [name if pattern.search(text) else without for text in texts])
            for name, without, pattern in (
                ("digits", "no digits", _DIGIT),
                ("links", "no links", _LINK),
                ("Latin letters", "no Latin letters", _LATIN),
            )
        ),
    ]


def column_slicing(name: str, values: Sequence[str]) -> Slicing:
    """Divides rows by the cells of a column: of many values, the rarest become one slice."""
    frequent = {value for value, _ in Counter(values).most_common(_MOST_VALUES)}
    shown = [(value or EMPTY) if value in frequent else OTHERS for value in values]
    return Slicing(name, shown, column=True)


def slice_metrics(
    right: np.ndarray, slicings: Sequence[Slicing], groups: Sequence[str] | None = None
) -> dict[str, Any]:
    """Returns the accuracy in each slice, and its gap to the rows outside.

    Gaps are tested with Fisher's exact test, with groups by their variance between groups; the p-values are
    adjusted by the method of Holm (1979): over all gaps, the chance that even one is falsely called
    significant at 0.05 stays below 5 %. The two gaps of a division in two are one test.

    Args:
        right: whether each row is right, bool [rows].
        slicings: divisions of the rows; one with a single slice is left out.
        groups: the group of each row. None: rows are independent.

    Returns:
        `slices`, a list of `by`, `value`, `column`, `rows`, `accuracy`, its `interval`, and where there are
        enough rows `gap`, `gap_interval`, `p` and `p_adjusted`; `test`; `tests`, their number; `correction`.
    """
    found = slice_gaps(right, slicings, groups)
    tests = adjust(found)
    slices = [record for record, _ in found]
    return {"slices": slices, "test": name_of_test(groups), "tests": tests, "correction": "Holm"}


def name_of_test(groups: Sequence[str] | None) -> str:
    """Returns the name of the test of gaps."""
    return "Fisher's exact test" if groups is None else "Wald test with the variance between groups"


def slice_gaps(
    right: np.ndarray, slicings: Sequence[Slicing], groups: Sequence[str] | None = None
) -> list[tuple[dict[str, Any], bytes]]:
    """Returns the records of `slice_metrics` without `p_adjusted`, each with a key of its test."""
    found = [(slicing, value) for slicing in slicings for value in slicing.slices if len(slicing.slices) > 1]
    if not found:
        return []
    inside = np.stack([np.array([of == value for of in slicing.values]) for slicing, value in found], axis=1)
    group = None if groups is None else np.unique(np.array(groups), return_inverse=True)[1]
    low, high = intervals(_units(right, inside, group), _accuracies_and_gaps)
    records = []
    for place, (slicing, value) in enumerate(found):
        within = inside[:, place]
        rows, hits = int(within.sum()), int(right[within].sum())
        ends = (low[place], high[place])
        if rows < FEWEST or ends[1] - ends[0] < 1e-12:
            ends = exact_interval(hits, rows)
        record: dict[str, Any] = {
            "by": slicing.by,
            "value": value,
            "column": slicing.column,
            "rows": rows,
            "accuracy": hits / rows,
            "interval": _rounded(ends),
        }
        if FEWEST <= rows <= len(right) - FEWEST:
            record["gap"] = hits / rows - float(right[~within].mean())
            record["gap_interval"] = _rounded((low[len(found) + place], high[len(found) + place]))
            record["p"] = _p_value(right, within, group)
        records.append((record, _key(within)))
    return records


def adjust(found: Sequence[tuple[dict[str, Any], Hashable]]) -> int:
    """Adds `p_adjusted` to records with a `p`; those of the same key are one test. Returns their number."""
    tests = {key: record["p"] for record, key in found if "p" in record}
    adjusted = dict(zip(tests, holm(list(tests.values())), strict=True))
    for record, key in found:
        if "p" in record:
            record["p_adjusted"] = adjusted[key]
    return len(tests)


def holm(p_values: Sequence[float]) -> list[float]:
    """Returns p-values adjusted for their number by the step-down method of Holm (1979)."""
    order = np.argsort(p_values, kind="stable")
    factors = len(p_values) - np.arange(len(p_values))
    raised = np.minimum(1, np.maximum.accumulate(np.asarray(p_values, float)[order] * factors))
    adjusted = np.empty(len(p_values))
    adjusted[order] = raised
    return adjusted.tolist()


def remarkable(slices: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the slices whose gaps are significant at 0.05 after correction, the largest gap first.

    Of a division in two, only the lower one.
    """
    found = [of for of in slices if of.get("p_adjusted", 1) < 0.05]

    def division(of: Mapping[str, Any], gap: float) -> tuple[Any, ...]:
        return of.get("metric"), of.get("label"), of["by"], round(gap, 9)

    lower = {division(of, of["gap"]) for of in found if of["gap"] < 0}
    found = [of for of in found if division(of, -of["gap"]) not in lower]
    return sorted(found, key=lambda of: -abs(of["gap"]))


def _units(right: np.ndarray, inside: np.ndarray, group: np.ndarray | None) -> Units:
    tallies = np.column_stack([np.ones(len(right)), right, inside, inside & right[:, None]]).astype(float)
    if group is None:
        distinct, index, counts = np.unique(
            tallies.astype(np.int8), axis=0, return_inverse=True, return_counts=True
        )
        return Units(distinct.astype(float), counts, np.zeros(len(counts), int), index)
    sums = np.zeros([group.max() + 1, tallies.shape[1]])
    np.add.at(sums, group, tallies)
    return Units(sums, np.ones(len(sums), int), np.zeros(len(sums), int), np.arange(len(sums)))


def _accuracies_and_gaps(totals: np.ndarray) -> np.ndarray:
    rows, right = totals[..., :1], totals[..., 1:2]
    of_rows, of_right = np.split(totals[..., 2:], 2, axis=-1)
    accuracy = share(of_right, of_rows)
    return np.concatenate([accuracy, accuracy - share(right - of_right, rows - of_rows)], axis=-1)


def _p_value(right: np.ndarray, within: np.ndarray, group: np.ndarray | None) -> float:
    if group is None:
        table = [[int(np.sum(of & hit)) for hit in (right, ~right)] for of in (within, ~within)]
        return float(fisher_exact(table).pvalue)
    influence = np.zeros(len(right))
    for rows, sign in ((within, 1), (~within, -1)):
        influence[rows] = sign * (right[rows] - right[rows].mean()) / rows.sum()
    sums = np.bincount(group, weights=influence)
    gap = right[within].mean() - right[~within].mean()
    error = np.sqrt(np.sum(sums**2) * len(sums) / max(len(sums) - 1, 1))
    return float(2 * ndtr(-abs(gap) / error)) if error > 0 else 1.0


def _key(within: np.ndarray) -> bytes:
    """Returns what a slice and the rows outside have in common."""
    return np.packbits(within ^ within[0]).tobytes()


def _by_length(texts: Sequence[str]) -> Slicing:
    """Divides texts into the shortest quarter, the middle and the longest quarter."""
    lengths = np.array([len(text) for text in texts])
    low, high = (int(np.quantile(lengths, share, method="lower")) for share in (0.25, 0.75))
    names = (f"up to {low} characters", f"{low + 1} to {high} characters", f"over {high} characters")
    places = (lengths > low).astype(int) + (lengths > high)
    return Slicing("length", [names[place] for place in places], names)


def _script(text: str) -> str:
    """Returns the script of most letters."""
    letters, han, latin = (len(of.findall(text)) for of in (_LETTER, _HAN, _LATIN))
    if not letters:
        return "no letters"
    if 2 * max(han, latin) <= letters:
        return "mixed or another script"
    return "mostly Chinese characters" if han > latin else "mostly Latin letters"


def _rounded(ends: tuple[float, float]) -> list[float]:
    return [round(float(end), 6) for end in ends]
