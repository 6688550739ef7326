"""How well `kerasbert data clean` finds labels that were made wrong on purpose, beside cleanlab.

    python benchmarks/label_noise.py [--task NAME]... [--rows N] [--noise SHARE]... [--seed N]...

Takes N rows of each shared task (../shared/data beside the project), gives a share of them another label,
and asks naive Bayes, out of fold, as the command does without a configuration. Uniform noise: any other
label. By class: each label is taken for the next one, with a probability of its own. cleanlab, if it is
installed, gets the same probabilities. Prints a Markdown table of means over the seeds: precision and recall
of the rows that are found; the precision of the first k, k being the number of wrong labels; and the accuracy
on dev rows of naive Bayes trained on the rows as they are, without all that were found, with the first k, or
all that were found, corrected by a reviewer who is always right, and without noise.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from kerasbert.curation.confident_learning import label_errors
from kerasbert.curation.out_of_fold import naive_bayes
from kerasbert.data import Columns, Rows, load_rows
from kerasbert.evaluation.baseline import baseline_probabilities

DATA = Path(__file__).parents[2] / "shared" / "data"
TASKS = {
    "sentiment": ("chnsenticorp", Columns(text="text_a")),
    "spam": ("spam_sms", Columns()),
    "news_topic": ("thucnews_titles", Columns()),
}
COLUMNS = (
    "precision", "recall", "cleanlab's precision", "recall ", "first k", "as it is", "found removed",
    "first k reviewed", "found reviewed", "without noise",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--task", action="append", choices=TASKS)
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--noise", action="append", type=float)
    parser.add_argument("--seed", action="append", type=int)
    arguments = parser.parse_args()
    header = ["task", "noise", *COLUMNS]
    print("|", " | ".join(header), "|\n" + "| --- " * len(header) + "|", flush=True)
    for task in arguments.task or TASKS:
        folder, columns = TASKS[task]
        train, dev = (load_rows([DATA / folder / f"{name}.tsv"], columns) for name in ("train", "dev"))
        dev = Rows([dev.rows[i] for i in np.random.default_rng(0).permutation(len(dev))[:2_000]])
        labels = tuple(sorted(train.label_counts))
        for kind, plant in (("uniform", uniform), ("by class", by_class)):
            for noise in arguments.noise or (0.1, 0.2):
                measured = np.array(
                    [
                        measure(train, dev, labels, plant, noise, arguments.rows, seed)
                        for seed in arguments.seed or (0, 1, 2)
                    ]
                )
                means, errors = measured.mean(axis=0), measured.std(axis=0, ddof=1) / len(measured) ** 0.5
                cells = [f"{mean:.1%} ± {error:.1%}" for mean, error in zip(means, errors, strict=True)]
                print("|", " | ".join([task, f"{noise:.0%} {kind}", *cells]), "|", flush=True)


def uniform(truth: np.ndarray, labels: int, noise: float, random: np.random.Generator) -> np.ndarray:
    """Returns `truth` with any other label in a share of the rows."""
    wrong = random.random(len(truth)) < noise
    return np.where(wrong, (truth + random.integers(1, labels, len(truth))) % labels, truth)


def by_class(truth: np.ndarray, labels: int, noise: float, random: np.random.Generator) -> np.ndarray:
    """Returns `truth` with some taken for the next label: those of one from never to twice as often."""
    rates = random.permutation(np.linspace(0, 2 * noise, labels))
    wrong = random.random(len(truth)) < rates[truth]
    return np.where(wrong, (truth + 1) % labels, truth)


def measure(
    train: Rows,
    dev: Rows,
    labels: tuple[str, ...],
    plant: Callable[[np.ndarray, int, float, np.random.Generator], np.ndarray],
    noise: float,
    count: int,
    seed: int,
) -> list[float]:
    """Returns the figures of `COLUMNS`."""
    random = np.random.default_rng(seed)
    rows = [train.rows[i] for i in random.permutation(len(train))[:count]]
    truth = np.array([labels.index(row.labels[0]) for row in rows])
    given = plant(truth, len(labels), noise, random)
    wrong = given != truth

    def labelled(places: np.ndarray) -> Rows:
        return Rows([replace(row, labels=(labels[i],)) for row, i in zip(rows, places, strict=True)])

    def accuracy(of: Rows) -> float:
        probabilities = baseline_probabilities(of, dev, labels)
        assert probabilities is not None
        right = [
            labels[i] == row.labels[0] for i, row in zip(probabilities.argmax(axis=1), dev.rows, strict=True)
        ]
        return float(np.mean(right))

    probabilities = naive_bayes(labelled(given), 5, labels)
    known = ~np.isnan(probabilities).any(axis=1)
    found = np.zeros(len(rows), bool)
    found[known] = label_errors(given[known], probabilities[known])
    own = np.where(known, probabilities[np.arange(len(rows)), given], 1)
    first = np.argsort(own, kind="stable")[: wrong.sum()]
    noisy = labelled(given)
    kept = Rows([row for row, is_wrong in zip(noisy.rows, found, strict=True) if not is_wrong])
    is_first = np.isin(np.arange(len(rows)), first)
    return [
        *quality(found, wrong),
        *quality(by_cleanlab(given, probabilities, known), wrong),
        float(wrong[first].mean()),
        accuracy(noisy),
        accuracy(kept),
        *(accuracy(labelled(np.where(of, truth, given))) for of in (is_first, found)),
        accuracy(labelled(truth)),
    ]


def quality(found: np.ndarray, wrong: np.ndarray) -> tuple[float, float]:
    """Returns precision and recall."""
    both, found_rows, wrong_rows = (float(of.sum()) for of in (found & wrong, found, wrong))
    return both / max(found_rows, 1), both / max(wrong_rows, 1)


def by_cleanlab(given: np.ndarray, probabilities: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Returns which rows cleanlab finds; none if it is not installed."""
    found = np.zeros(len(given), bool)
    try:
        from cleanlab.filter import find_label_issues
    except ImportError:
        return found
    found[known] = find_label_issues(given[known], probabilities[known], n_jobs=1)
    return found


if __name__ == "__main__":
    main()
