"""Labels that are paths in a hierarchy: `体育/足球` is below `体育`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasbert.errors import ConfigError

SEPARATOR = "/"


class Hierarchy:
    """The ancestors of labels.

    Args:
        labels: the leaves, as paths.

    Attributes:
        depth: the number of levels of the longest path.
        ancestors: all nodes above the leaves, sorted.
        below: which leaves are below which ancestor, bool [ancestors, leaves].

    Raises:
        ConfigError: a path has an empty part, or is above another.
    """

    def __init__(self, labels: Sequence[str]):
        self._labels = tuple(labels)
        self._paths = [_path(label) for label in labels]
        self.depth = max((len(path) for path in self._paths), default=1)
        self.ancestors = sorted({node for path in self._paths for node in path[:-1]})
        for node in self.ancestors:
            if node in self._labels:
                child = next(label for label in labels if label.startswith(node + SEPARATOR))
                raise ConfigError(
                    f"labels: {node!r} is a label and above another, {child!r}. Give its rows a label of "
                    f"their own, such as {node + SEPARATOR + 'other'!r}, with data.label_map."
                )
        self.below = np.array([[node in path[:-1] for path in self._paths] for node in self.ancestors], bool)
        self.below = self.below.reshape(len(self.ancestors), len(self._labels))

    def level(self, number: int) -> list[str]:
        """Returns the node of each leaf on a level, counted from 0: itself if its path is shorter."""
        return [path[min(number, len(path) - 1)] for path in self._paths]

    def metrics(self, targets: np.ndarray, decided: np.ndarray) -> dict[str, Any]:
        """Returns how right decisions are on each level and over all of them.

        Args:
            targets: true labels, float32 [rows, leaves] of zeros and ones.
            decided: predicted labels, of the same shape.

        Returns:
            `levels`, a list of `labels`, their number, `accuracy` and `macro_f1`, from the top; and
            `precision`, `recall` and `f1` over the labels with their ancestors (Kiritchenko et al. 2006,
            section 4).
        """
        # It imports scikit-learn, for which `plugins list` should not wait.
        from kerasbert.tasks.metrics import score_decisions

        levels = []
        for number in range(self.depth):
            of_leaves = self.level(number)
            nodes = sorted(set(of_leaves))
            member = np.array([[node == of for node in nodes] for of in of_leaves], np.float32)
            scores = score_decisions(targets @ member, decided @ member, nodes)
            levels.append({"labels": len(nodes), **{key: scores[key] for key in ("accuracy", "macro_f1")}})
        truth, answer = (
            np.concatenate([each, each @ self.below.T.astype(np.float32)], axis=1)
            for each in (targets, decided)
        )
        both, true, answered = float(np.sum(truth * answer)), float(truth.sum()), float(answer.sum())
        return {
            "levels": levels,
            "precision": both / max(answered, 1.0),
            "recall": both / max(true, 1.0),
            "f1": 2 * both / max(true + answered, 1.0),
        }


def _path(label: str) -> list[str]:
    """Returns a label and its ancestors, from the top."""
    parts = label.split(SEPARATOR)
    if not all(part.strip() for part in parts):
        raise ConfigError(
            f"labels: {label!r} has an empty part between its slashes. Correct it, or rename it with "
            "data.label_map."
        )
    return [SEPARATOR.join(parts[: level + 1]) for level in range(len(parts))]
