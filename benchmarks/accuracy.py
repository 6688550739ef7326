"""Accuracy of the from-scratch recipes beside naive Bayes, and of their exports.

    python benchmarks/accuracy.py [--recipe NAME]... [--seed N]... [--workdir DIR]

The recipes name their data. For each one and each seed it trains, evaluates the run on the validation
files, exports, evaluates the export and compares the two. Prints a Markdown table.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from rich.console import Console

import kerasbert
from kerasbert.data import normalized
from kerasbert.evaluation import Evaluation

RECIPES = ("sentiment_scratch", "spam_scratch", "news_topic_scratch")
CONFIGS = Path(__file__).parents[1] / "configs" / "train"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--recipe", action="append", choices=RECIPES)
    parser.add_argument("--seed", action="append", type=int)
    parser.add_argument("--workdir", type=Path, default=Path("runs") / "accuracy")
    arguments = parser.parse_args()
    print("| recipe | seed | accuracy | macro F1 | on rows not in train | naive Bayes | train s | export |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for recipe in arguments.recipe or RECIPES:
        for seed in arguments.seed or [0]:
            print(row(recipe, seed, arguments.workdir), flush=True)


def row(recipe: str, seed: int, workdir: Path) -> str:
    """Trains, measures, exports, measures again; returns a line of the table."""
    name = f"{recipe}-{seed}-{time.strftime('%H%M%S')}"
    config = kerasbert.load_config(
        CONFIGS / f"{recipe}.yaml", [f"training.seed={seed}", f"run_dir={workdir / name}"]
    )
    result = kerasbert.train(config, Console(stderr=True))
    model_dir = workdir / f"{name}-model"
    kerasbert.export_model(result.run.path, model_dir)
    ran = kerasbert.evaluate(result.run.path, config.data.validation)
    served = kerasbert.evaluate(model_dir, config.data.validation)
    return (
        f"| {recipe} | {seed} | {ran.figures['accuracy']:.4f} | {ran.figures['macro_f1']:.4f} "
        f"| {new_rows_accuracy(ran, result.prepared.train):.4f} "
        f"| {ran.figures['baseline']['accuracy']:.4f} | {result.metrics['train_seconds']:.0f} "
        f"| {same(result.metrics['accuracy'], ran, served)} |"
    )


def new_rows_accuracy(evaluation: Evaluation, train) -> float:
    """Returns the accuracy on the rows whose normalised text is not in `train`."""
    seen = {normalized(row) for row in train.rows}
    new = np.array([normalized(row) not in seen for row in evaluation.rows.rows])
    right = np.all(evaluation.decided == evaluation.targets, axis=1)
    return float(right[new].mean())


def same(trained: float, ran: Evaluation, served: Evaluation) -> str:
    """Says whether training, run and export agree."""
    accuracies = {trained, ran.figures["accuracy"], served.figures["accuracy"]}
    difference = float(np.abs(ran.probabilities - served.probabilities).max())
    return f"{'same' if len(accuracies) == 1 else 'OTHER'} accuracy, max dp {difference:.0e}"


if __name__ == "__main__":
    main()
