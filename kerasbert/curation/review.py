"""What may be wrong with labelled rows: labels that models doubt, and equal texts with different labels."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from kerasbert.curation.confident_learning import estimated_joint, label_errors, margins
from kerasbert.curation.duplicates import members, near_duplicates
from kerasbert.data import Row, Rows
from kerasbert.data.labels import label_matrix

LABEL_ERROR, CONFLICT, OUTLIER = "label error", "conflicting duplicate", "outlier"
_CONFUSIONS = 10


@dataclass(frozen=True)
class Issue:
    """A row to look at.

    Attributes:
        row: the row.
        kind: `label error`, `conflicting duplicate` or `outlier`.
        suggested: the labels that it probably has; empty if its own stay the best guess.
        given_probability: of its own label, if models were asked. With several labels a row, of the label
            that they doubt most.
        suggested_probability: of what they suggest instead.
        group: number of the group of nearly equal texts with different labels that it belongs to.
    """

    row: Row
    kind: str
    suggested: tuple[str, ...] = ()
    given_probability: float | None = None
    suggested_probability: float | None = None
    group: int | None = None


@dataclass(frozen=True)
class Review:
    """Labelled rows, and what models that had not seen them say about them.

    Args:
        rows: the rows.
        labels: all labels, in the order of `probabilities`.
        probabilities: float [rows, labels]; NaN where no model was asked.
        several: whether a row may have several labels.
        outliers: indices of the rows that are least like the others, the farthest first.
    """

    rows: Rows
    labels: tuple[str, ...]
    probabilities: np.ndarray = field(repr=False)
    several: bool = False
    outliers: Sequence[int] = ()

    @cached_property
    def checked(self) -> np.ndarray:
        """Indices of the rows that models were asked about."""
        return np.flatnonzero(~np.isnan(self.probabilities).any(axis=1))

    @cached_property
    def groups(self) -> list[list[int]]:
        """The indices of nearly equal texts that have different labels, group by group."""
        alike = members(near_duplicates(self.rows.normalized))
        return [of for of in alike if len({frozenset(self.rows.rows[i].labels) for i in of}) > 1]

    @cached_property
    def issues(self) -> list[Issue]:
        """Label errors, the most certain first; then conflicting duplicates and outliers, each row once."""
        group_of = {i: number for number, of in enumerate(self.groups, 1) for i in of}
        found = dict(self._several_label_errors() if self.several else self._label_errors())
        found = {i: replace(issue, group=group_of.get(i)) for i, issue in found.items()}
        for number, of in enumerate(self.groups, 1):
            found |= {i: self._conflict(i, of, number) for i in self._to_show(of) if i not in found}
        found |= {i: self._outlier(i) for i in self.outliers if i not in found}
        return list(found.values())

    @property
    def summary(self) -> dict[str, Any]:
        """The figures of the review, as JSON."""
        counts = Counter(issue.kind for issue in self.issues)
        errors = counts[LABEL_ERROR]
        return {
            "rows": len(self.rows),
            "left_out": len(self.rows.left_out),
            "checked": len(self.checked),
            "agreement": self._agreement(),
            "label_errors": errors,
            "label_error_share": errors / max(len(self.checked), 1),
            "conflicting_groups": len(self.groups),
            "conflicting_rows": sum(map(len, self.groups)),
            "outliers": counts[OUTLIER],
            "confusions": self._confusions(),
        }

    def _agreement(self) -> float:
        """Returns the share of the checked rows whose labels the models would give, too."""
        probabilities = self.probabilities[self.checked]
        if self.several:
            same = np.all((probabilities >= 0.5) == self._targets(), axis=1)
        else:
            same = probabilities.argmax(axis=1) == self._targets().argmax(axis=1)
        return float(same.mean()) if len(same) else 0.0

    def _targets(self) -> np.ndarray:
        """Returns the labels of the checked rows as zeros and ones, int [checked, labels]."""
        rows = [self.rows.rows[i].labels for i in self.checked.tolist()]
        return label_matrix(rows, self.labels).astype(np.int64)

    def _label_errors(self) -> list[tuple[int, Issue]]:
        if not len(self.checked):
            return []
        given, probabilities = self._targets().argmax(axis=1), self.probabilities[self.checked]
        wrong = np.flatnonzero(label_errors(given, probabilities))
        # By the probability of the given label alone, which ranked better than the margin with many labels.
        order = wrong[np.argsort(probabilities[wrong, given[wrong]], kind="stable")]
        found = []
        for place in order.tolist():
            best = int(probabilities[place].argmax())
            own, other = probabilities[place, given[place]], probabilities[place, best]
            i = int(self.checked[place])
            issue = Issue(self.rows.rows[i], LABEL_ERROR, (self.labels[best],), float(own), float(other))
            found.append((i, issue))
        return found

    def _several_label_errors(self) -> list[tuple[int, Issue]]:
        """Asks of each label separately whether a row has it or not."""
        if not len(self.checked):
            return []
        targets, probabilities = self._targets(), self.probabilities[self.checked]
        wrong, margin = np.zeros(targets.shape, bool), np.zeros(targets.shape)
        for label in range(len(self.labels)):
            both = np.stack([1 - probabilities[:, label], probabilities[:, label]], axis=1)
            wrong[:, label] = label_errors(targets[:, label], both)
            margin[:, label] = margins(targets[:, label], both)
        margin[~wrong] = np.inf
        rows = np.flatnonzero(wrong.any(axis=1))
        found = []
        for place in rows[np.argsort(margin[rows].min(axis=1), kind="stable")].tolist():
            better = np.flatnonzero(targets[place].astype(bool) ^ wrong[place])
            doubted = (1 + margin[place].min()) / 2
            i = int(self.checked[place])
            suggested = tuple(self.labels[label] for label in better)
            found.append((i, Issue(self.rows.rows[i], LABEL_ERROR, suggested, doubted, 1 - doubted)))
        return found

    def _to_show(self, of: Sequence[int]) -> list[int]:
        """Returns the members with a label that most others do not have, and one of the others."""
        most = self._majority(of)
        others = [i for i in of if most is None or frozenset(self.rows.rows[i].labels) != most]
        with_most = [i for i in of if i not in set(others)]
        return sorted([*others, *with_most[:1]])

    def _majority(self, of: Sequence[int]) -> frozenset[str] | None:
        """Returns the labels that most members have, None if there are two such sets."""
        counts = Counter(frozenset(self.rows.rows[i].labels) for i in of).most_common(2)
        return counts[0][0] if len(counts) == 1 or counts[0][1] > counts[1][1] else None

    def _conflict(self, i: int, of: Sequence[int], group: int) -> Issue:
        row, most = self.rows.rows[i], self._majority(of)
        suggested: tuple[str, ...] = ()
        if most is not None and frozenset(row.labels) != most:
            suggested = next(
                self.rows.rows[j].labels for j in of if frozenset(self.rows.rows[j].labels) == most
            )
        return Issue(row, CONFLICT, suggested, self._own_probability(i), group=group)

    def _outlier(self, i: int) -> Issue:
        return Issue(self.rows.rows[i], OUTLIER, given_probability=self._own_probability(i))

    def _own_probability(self, i: int) -> float | None:
        """Returns that of the label of a row, if it has one label and models were asked."""
        if self.several or np.isnan(self.probabilities[i]).any():
            return None
        return float(self.probabilities[i, self.labels.index(self.rows.rows[i].labels[0])])

    def _confusions(self) -> list[dict[str, Any]]:
        """Returns the most frequent errors, as the joint of given and true labels estimates them."""
        if self.several or not len(self.checked):
            return []
        joint = estimated_joint(self._targets().argmax(axis=1), self.probabilities[self.checked])
        np.fill_diagonal(joint, 0)
        order = np.argsort(-joint, axis=None, kind="stable")[:_CONFUSIONS]
        pairs = [np.unravel_index(place, joint.shape) for place in order]
        return [
            {"given": self.labels[i], "probably": self.labels[j], "rows": round(float(joint[i, j]))}
            for i, j in pairs
            if joint[i, j] >= 0.5
        ]
