"""How far scores can be trusted: calibration, rejection, and texts of another kind.

    python benchmarks/trusted_scores.py RUN RUN... [--other FILE]... [--halvings N] [--rows N]

RUN is a finished training. Its validation rows are halved at random, several times: on one half the
decision is calibrated and the detector of outliers fitted, as at the end of `kerasbert train`; on the other
half it is measured. Texts of another kind are the validation rows of the other runs, and files with one
text a line. The epoch of each run was selected on all of its validation rows, which flatters accuracy a
little.

Prints a Markdown table for each run, means and standard deviations over the halvings: the expected
calibration error before and after, what is accepted at a wanted accuracy, and for each other kind of text
the area under the ROC curve that tells it from the run's own by `distance` and by the score, with the share
of it that is accepted.
"""

import argparse
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from kerasbert.checkpoints import RunDirectory
from kerasbert.data import Columns, Rows, load_rows
from kerasbert.models import TextClassifier
from kerasbert.tasks.calibration import calibration_metrics
from kerasbert.tasks.metrics import decisions
from kerasbert.training.calibrate import calibrate
from kerasbert.training.outliers import fit_outliers

BATCH = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--other", action="append", default=[], type=Path, metavar="FILE")
    parser.add_argument("--halvings", type=int, default=5)
    parser.add_argument("--rows", type=int, default=2_000, help="of another kind, at most")
    parser.add_argument("--accuracy", type=float, default=0.95, help="wanted of the accepted answers")
    parser.add_argument("--outliers", type=float, default=0.05, help="decision.reject_outliers")
    arguments = parser.parse_args()
    kinds = {run.name: validation_rows(RunDirectory(run)).texts for run in arguments.runs} | {
        file.name: file.read_text(encoding="utf-8").splitlines() for file in arguments.other
    }
    for run in arguments.runs:
        others = {name: sample(texts, arguments.rows) for name, texts in kinds.items() if name != run.name}
        found = [measure(RunDirectory(run), others, seed, arguments) for seed in range(arguments.halvings)]
        print(f"\n{run.name}\n\n| | |\n| --- | --- |")
        for name in found[0]:
            values = [figures[name] for figures in found]
            print(f"| {name} | {np.mean(values):.4f} ± {np.std(values):.4f} |")


def measure(
    run: RunDirectory, others: dict[str, Sequence[str]], seed: int, arguments: argparse.Namespace
) -> dict[str, float]:
    """Returns the figures of one halving."""
    rows = validation_rows(run).rows
    random.Random(seed).shuffle(rows)
    chosen, measured = Rows(rows[: len(rows) // 2]), Rows(rows[len(rows) // 2 :])
    classifier = decided_on(run, chosen, arguments)
    targets = classifier.task.targets(measured.labels)
    outputs = answers(classifier, measured.texts)
    decided = decisions(outputs, len(classifier.labels))
    right = np.all(decided == targets, axis=1)
    temperature = classifier.decision.temperature
    calibration = calibration_metrics(outputs, decided, targets, temperature)
    before = calibration.get("uncalibrated", calibration)
    sure = outputs["score"] >= classifier.decision.reject_below
    figures = {
        "accuracy": float(right.mean()),
        "temperature": temperature,
        "ECE before": before["ece"],
        "ECE after": calibration["ece"],
        "ECE by chance": calibration["ece_by_chance"],
        f"share accepted for {arguments.accuracy:.0%}": float(sure.mean()),
        "accuracy of these": float(right[sure].mean()),
        "share accepted by distance": float((outputs["distance"] <= 1).mean()),
    }
    for name, texts in others.items():
        strange = answers(classifier, texts)
        figures |= {
            f"AUROC by distance, {name}": auroc(outputs["distance"], strange["distance"]),
            f"AUROC by score, {name}": auroc(-outputs["score"], -strange["score"]),
            f"share accepted by distance, {name}": float((strange["distance"] <= 1).mean()),
        }
    return figures


def decided_on(run: RunDirectory, rows: Rows, arguments: argparse.Namespace) -> TextClassifier:
    """Returns the classifier with its decision calibrated on `rows`."""
    config = run.load_config()
    config.decision.accepted_accuracy = arguments.accuracy
    config.decision.reject_outliers = arguments.outliers
    loaded = run.load()
    trained = TextClassifier(
        config, type(loaded.task)(loaded.labels, config.task_options), run.load_vocabulary()
    )
    classifier = run.load_weights_into(trained)
    columns = Columns.from_config(config.data, classifier.task.label_separator)
    fit_outliers(classifier, load_rows(config.data.train, columns), rows)
    logits = np.concatenate([classifier.predict_logits(texts) for texts in batches(rows.texts)])
    calibrate(classifier.task, config, logits, classifier.task.targets(rows.labels))
    return classifier


def answers(classifier: TextClassifier, texts: Sequence[str]) -> dict[str, np.ndarray]:
    """Returns the outputs for `texts`, in order."""
    found = [classifier.predict(batch) for batch in batches(texts)]
    return {name: np.concatenate([one[name] for one in found]) for name in found[0]}


def validation_rows(run: RunDirectory) -> Rows:
    """Returns the validation rows of a run, which are in a file."""
    data = run.load_config().data
    return load_rows(data.validation, Columns.from_config(data))


def auroc(own: np.ndarray, strange: np.ndarray) -> float:
    """Returns how well a figure that should be higher for strange texts tells them from the run's own."""
    truth = np.repeat([0, 1], [len(own), len(strange)])
    return float(roc_auc_score(truth, np.concatenate([own, strange])))


def sample(texts: Sequence[str], rows: int) -> Sequence[str]:
    return random.Random(0).sample(texts, min(rows, len(texts)))


def batches(texts: Sequence[str]) -> list[Sequence[str]]:
    return [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]


if __name__ == "__main__":
    main()
