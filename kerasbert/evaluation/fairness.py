"""Whether a model finds, and means, each label as well in one slice of the rows as in the others."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasbert.evaluation.slices import FEWEST, Slicing, adjust, name_of_test, slice_gaps

CAVEAT = (
    "Equal opportunity asks that rows of a label are found equally often in every slice (recall), "
    "predictive parity that a decided label is equally often right (precision). A model with errors can "
    "hardly have both where the slices hold different shares of the label. Both take the labels of the data "
    "for the truth, and neither says what an error costs, nor to whom."
)


def fairness_metrics(
    targets: np.ndarray,
    decided: np.ndarray,
    labels: Sequence[str],
    slicings: Sequence[Slicing],
    groups: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Returns the recall and precision of each label in each slice, and their gaps to the other rows.

    Equal recall is called equal opportunity (Hardt et al. 2016, https://arxiv.org/abs/1610.02413), equal
    precision predictive parity (Chouldechova 2017, https://arxiv.org/abs/1703.00056), which also shows when
    both exclude each other. Tests and correction are those of `slice_metrics`, over all gaps together.

    Args:
        targets: true labels, [rows, labels] of zeros and ones.
        decided: predicted labels, likewise.
        labels: the names of the columns.
        slicings: divisions of the rows, such as by the cells of a column.
        groups: the group of each row. None: rows are independent.

    Returns:
        `gaps`, a list of `metric` (`recall` or `precision`), `label`, `by`, `value` (the slice), `rows` (of
        the label, or decided so), `share` (the metric), its `interval`, and where there are enough rows
        `gap`, `gap_interval`, `p` and `p_adjusted`; `differences`, a list of `metric`, `label`, `by`,
        `difference` between the slices `lowest` and `highest`, of those with at least ten rows; `test`,
        `tests` and `correction`.
    """
    found = []
    for metric, given, hit in (("recall", targets, decided), ("precision", decided, targets)):
        for place, label in enumerate(labels):
            rows = np.flatnonzero(given[:, place]).tolist()
            parts = [Slicing(of.by, [of.values[row] for row in rows], column=True) for of in slicings]
            group = None if groups is None else [groups[row] for row in rows]
            for record, key in slice_gaps(hit[rows, place] > 0, parts, group):
                share = {"share": record.pop("accuracy")}
                named = {"metric": metric, "label": label, **record, **share}
                found.append((named, (metric, place, key)))
    tests = adjust(found)
    gaps = [record for record, _ in found]
    return {
        "gaps": gaps,
        "differences": _differences(gaps),
        "test": name_of_test(groups),
        "tests": tests,
        "correction": "Holm",
    }


def _differences(gaps: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns how far apart the slices are in each metric, label and division, the largest first."""
    together: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for of in gaps:
        if of["rows"] >= FEWEST:
            together.setdefault((of["metric"], of["label"], of["by"]), []).append(of)
    found = []
    for (metric, label, by), parts in together.items():
        if len(parts) > 1:
            lowest, highest = (choose(parts, key=lambda of: of["share"]) for choose in (min, max))
            found.append(
                {
                    "metric": metric,
                    "label": label,
                    "by": by,
                    "difference": highest["share"] - lowest["share"],
                    "lowest": lowest["value"],
                    "highest": highest["value"],
                }
            )
    return sorted(found, key=lambda of: -of["difference"])
