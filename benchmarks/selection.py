"""What choosing the texts to label is worth: accuracy by number of labels, against random ones.

    python benchmarks/selection.py [--task NAME]... [--pool N] [--rounds N] [--batch N] [--seed N]...

Uses the shared tasks beside the project, ../shared/data. Texts are vectors of a frozen encoder, and the
classifier is a logistic regression on them, so that a round takes a second. Each strategy begins with the
same random labels and adds a batch a round, chosen by the model of the round before. Prints a Markdown
table of accuracies on the dev rows, means and standard errors over the seeds, and how many labels each
strategy needs for the accuracy that random labels reach in the end.
"""

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

import kerasbert
from kerasbert.curation.acquisition import badge, doubt
from kerasbert.data import Columns, load_rows

DATA = Path(__file__).parents[2] / "shared" / "data"
TASKS = {
    "sentiment": ("chnsenticorp", Columns(text="text_a")),
    "spam": ("spam_sms", Columns()),
    "news_topic": ("thucnews_titles", Columns()),
}
RANDOM_SHARE = 0.1
Strategy = Callable[[np.ndarray, np.ndarray, int, int], np.ndarray]


def at_random(probabilities: np.ndarray, vectors: np.ndarray, count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(len(vectors))[:count]


def most_doubted(probabilities: np.ndarray, vectors: np.ndarray, count: int, seed: int) -> np.ndarray:
    return np.argsort(-doubt(probabilities), kind="stable")[:count]


def k_centre(probabilities: np.ndarray, vectors: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Returns texts that are far from one another, whatever the model thinks (Sener & Savarese 2018)."""
    chosen = [int(np.random.default_rng(seed).integers(len(vectors)))]
    nearest = np.square(vectors - vectors[chosen[0]]).sum(axis=1)
    while len(chosen) < count:
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, np.square(vectors - vectors[chosen[-1]]).sum(axis=1))
    return np.array(chosen)


def badge_of_doubted(probabilities: np.ndarray, vectors: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Returns what `kerasbert data select` would: BADGE among the most doubted, and some at random."""
    some = round(count * RANDOM_SHARE)
    doubted = most_doubted(probabilities, vectors, 10 * count, seed)
    drawn = doubted[badge(probabilities[doubted], vectors[doubted], count - some, seed)]
    others = np.setdiff1d(at_random(probabilities, vectors, len(vectors), seed), drawn)
    return np.concatenate([drawn, np.random.default_rng(seed).permutation(others)[:some]])


STRATEGIES: dict[str, Strategy] = {
    "random": at_random,
    "most doubted": most_doubted,
    "k-centre": k_centre,
    "BADGE": badge,
    "select": badge_of_doubted,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--task", action="append", choices=TASKS)
    parser.add_argument("--source", default="kerasbert-tiny-zh")
    parser.add_argument("--pool", type=int, default=4_000)
    parser.add_argument("--first", type=int, default=50)
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seed", action="append", type=int)
    arguments = parser.parse_args()
    seeds = arguments.seed or [0, 1, 2, 3, 4]
    counts = [arguments.first + n * arguments.batch for n in range(arguments.rounds + 1)]
    header = ["task", "strategy", *map(str, counts), "labels needed"]
    print("|", " | ".join(header), "|\n" + "| --- " * len(header) + "|", flush=True)
    encoder = kerasbert.open_encoder(arguments.source)
    for task in arguments.task or TASKS:
        folder, columns = TASKS[task]
        pool, dev = (load_rows([DATA / folder / f"{name}.tsv"], columns) for name in ("train", "dev"))
        labels = sorted(pool.label_counts)
        order = np.random.default_rng(0).permutation(len(pool))[: arguments.pool]
        rows = [pool.rows[i] for i in order]
        of_dev = np.random.default_rng(0).permutation(len(dev))[:2_000]
        vectors, dev_vectors = (
            encoder.embed([row.text for row in some], normalize=True)
            for some in (rows, [dev.rows[i] for i in of_dev])
        )
        truth = np.array([labels.index(row.labels[0]) for row in rows])
        dev_truth = np.array([labels.index(dev.rows[i].labels[0]) for i in of_dev])
        curves = {
            name: np.array(
                [curve(strategy, vectors, truth, dev_vectors, dev_truth, arguments, seed) for seed in seeds]
            )
            for name, strategy in STRATEGIES.items()
        }
        goal = curves["random"][:, -1].mean()
        for name, curve_of in curves.items():
            means, errors = curve_of.mean(axis=0), curve_of.std(axis=0, ddof=1) / len(seeds) ** 0.5
            cells = [f"{mean:.1%} ± {error:.1%}" for mean, error in zip(means, errors, strict=True)]
            print("|", " | ".join([task, name, *cells, needed(means, counts, goal)]), "|", flush=True)


def curve(
    strategy: Strategy,
    vectors: np.ndarray,
    truth: np.ndarray,
    dev_vectors: np.ndarray,
    dev_truth: np.ndarray,
    arguments: argparse.Namespace,
    seed: int,
) -> list[float]:
    """Returns the accuracy on the dev rows after each round."""
    labels = int(truth.max()) + 1
    centre = vectors.mean(axis=0)
    vectors, dev_vectors = vectors - centre, dev_vectors - centre
    chosen = at_random(vectors, vectors, arguments.first, seed)
    found = []
    for number in range(arguments.rounds + 1):
        model = LogisticRegression(C=30, max_iter=500).fit(vectors[chosen], truth[chosen])
        found.append(float(np.mean(model.predict(dev_vectors) == dev_truth)))
        if number < arguments.rounds:
            rest = np.setdiff1d(np.arange(len(vectors)), chosen)
            probabilities = np.zeros([len(rest), labels])
            probabilities[:, model.classes_] = model.predict_proba(vectors[rest])
            more = strategy(probabilities, vectors[rest], arguments.batch, 1_000 * seed + number)
            chosen = np.concatenate([chosen, rest[more]])
    return found


def needed(means: np.ndarray, counts: list[int], goal: float) -> str:
    """Returns the number of labels at which a curve first reaches `goal`, between rounds on a line."""
    above = np.flatnonzero(means >= goal)
    if not len(above):
        return f"more than {counts[-1]}"
    last = int(above[0])
    if not last:
        return str(counts[0])
    share = (goal - means[last - 1]) / (means[last] - means[last - 1])
    return str(round(counts[last - 1] + share * (counts[last] - counts[last - 1])))


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=FutureWarning)
    main()
