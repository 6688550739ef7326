"""How well `kerasbert data clean` ranks texts that do not belong to the others.

    python benchmarks/planted_texts.py [--task NAME]... [--rows N] [--share SHARE]... [--seed N]...

Takes N rows of each shared task (../shared/data beside the project), and in place of a share of them texts of
another task, or descriptions of apps (iflytek). Prints a Markdown table of means over the seeds: the area
under the ROC curve by which the distance tells them apart, and the share of the first k that are planted, k
being their number.
"""

import argparse

import numpy as np
from label_noise import DATA, TASKS
from sklearn.metrics import roc_auc_score

from kerasbert.curation.outliers import outlier_distances
from kerasbert.data import Columns, Row, load_rows

OTHERS = {**TASKS, "app descriptions": ("iflytek", Columns())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--task", action="append", choices=TASKS)
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--share", action="append", type=float)
    parser.add_argument("--seed", action="append", type=int)
    parser.add_argument("--source", default="kerasbert-tiny-zh")
    arguments = parser.parse_args()
    print("| rows | planted | area | of the first k |\n" + "| --- " * 4 + "|", flush=True)
    rows = {
        name: load_rows([DATA / folder / "train.tsv"], columns).rows
        for name, (folder, columns) in OTHERS.items()
    }
    for task in arguments.task or TASKS:
        for other in OTHERS:
            for share in (arguments.share or (0.01, 0.05)) if other != task else ():
                count = round(arguments.rows * share)
                found = [
                    measure(rows[task], rows[other], arguments.rows - count, count, seed, arguments.source)
                    for seed in arguments.seed or (0, 1, 2)
                ]
                area, first = np.mean(found, axis=0)
                print(f"| {task} | {share:.0%} {other} | {area:.3f} | {first:.0%} |", flush=True)


def measure(
    own: list[Row], other: list[Row], usual: int, planted: int, seed: int, source: str
) -> tuple[float, float]:
    """Returns the area and the share of the first k."""
    random = np.random.default_rng(seed)
    mixed = [
        *(own[i] for i in random.permutation(len(own))[:usual]),
        *(other[i] for i in random.permutation(len(other))[:planted]),
    ]
    is_planted = np.arange(len(mixed)) >= usual
    distances = outlier_distances(mixed, source)
    first = np.argsort(-distances)[:planted]
    return float(roc_auc_score(is_planted, distances)), float(is_planted[first].mean())


if __name__ == "__main__":
    main()
