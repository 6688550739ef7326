"""A label that comes later: `kerasbert train --from` against training anew.

    python benchmarks/added_label.py [--rows N] [--late LABEL]... [--epochs N] [--seed N]... [--workdir DIR]

Of N rows of news topics, trains the bundled encoder on those of all labels but the late ones (`society` by
default). Then adds the late ones: goes on from that run with all rows, as many epochs or a third of them,
and trains anew with all rows. Prints a Markdown table of the accuracy on 2,000 dev
rows, apart for the labels that were there and the late ones, and of the seconds; means and standard
deviations over the seeds.
"""

import argparse
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np

import kerasbert
from kerasbert.config import merge
from kerasbert.data import Columns, Row, load_rows
from kerasbert.training import TrainResult

DATA = Path(__file__).parents[2] / "shared" / "data" / "thucnews_titles"
DEV_ROWS = 2_000
RECIPE = {
    "backbone": {"source": "kerasbert-tiny-zh"},
    "head": {"pooling": "mean_max"},
    "training": {"max_length": 48, "learning_rate": 5e-4, "token_dropout": 0.1},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--late", action="append")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seed", action="append", type=int)
    parser.add_argument("--workdir", type=Path, default=Path("runs") / "added_label")
    arguments = parser.parse_args()
    arguments.workdir.mkdir(parents=True, exist_ok=True)
    late = set(arguments.late or ["society"])
    seeds = arguments.seed or [0, 1, 2]
    measured: dict[str, list[list[float]]] = {}
    for seed in seeds:
        for name, figures in compare(arguments, late, seed).items():
            measured.setdefault(name, []).append(figures)
    print("| training | old labels | late labels | seconds |\n" + "| --- " * 4 + "|")
    for name, found in measured.items():
        means = np.mean(found, axis=0)
        spread = np.std(found, axis=0, ddof=1) if len(found) > 1 else np.zeros(3)
        old, new = (f"{means[i]:.1%} ± {spread[i]:.1%}" for i in range(2))
        print(f"| {name} | {old} | {new} | {means[2]:.0f} |", flush=True)


def compare(arguments: argparse.Namespace, late: set[str], seed: int) -> dict[str, list[float]]:
    """Returns the accuracy on old and late labels, and the seconds, of each way to train."""
    train, dev = (load_rows([DATA / f"{name}.tsv"], Columns()).rows for name in ("train", "dev"))
    random.Random(seed).shuffle(train)
    random.Random(0).shuffle(dev)
    train, dev = train[: arguments.rows], dev[:DEV_ROWS]
    old = [row for row in train if row.labels[0] not in late]
    known, unknown = ([row for row in dev if (row.labels[0] in late) == is_late] for is_late in (False, True))
    few = max(round(arguments.epochs / 3), 1)

    def run(name: str, rows: list[Row], validation: list[Row], epochs: int, **settings: Any) -> TrainResult:
        path = arguments.workdir / f"{name}-{arguments.rows}-{seed}"
        shutil.rmtree(path, ignore_errors=True)
        training = {"epochs": epochs, "batch_size": 16, "seed": seed}
        config = merge(RECIPE, {"run_dir": str(path), "training": training, **settings})
        return kerasbert.train(config, data=cells(rows), validation=cells(validation))

    earlier = run("earlier", old, known, arguments.epochs)
    on = {"backbone": {"source": str(earlier.run.path)}, "head": {"keep": True}}
    results = {
        "before: old labels only": earlier,
        "anew, all rows": run("anew", train, dev, arguments.epochs),
        f"--from, all rows, {arguments.epochs} epochs": run("from", train, dev, arguments.epochs, **on),
        f"--from, all rows, {few} epochs": run("from-few", train, dev, few, **on),
    }
    return {
        name: [accuracy(of, known), accuracy(of, unknown), of.metrics["train_seconds"]]
        for name, of in results.items()
    }


def cells(rows: list[Row]) -> dict[str, list[str]]:
    return {"text": [row.text for row in rows], "label": [row.labels[0] for row in rows]}


def accuracy(result: TrainResult, rows: list[Row]) -> float:
    answers = result.model.predict([row.text for row in rows])
    right = [answer["label"] == row.labels[0] for answer, row in zip(answers, rows, strict=True)]
    return float(np.mean(right))


if __name__ == "__main__":
    main()
