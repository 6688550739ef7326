"""What each recipe of `training` and `augmentation` does to a fine-tuning on few rows.

    python benchmarks/ablation.py [--task NAME]... [--rows 1000] [--seed N]... [--only NAME]...
        [--set KEY=VALUE]...

Trains the recipes of configs/train on random rows of their training files (0: on all), as transfer.py does,
with one setting changed at a time, and takes the accuracy of the best epoch on at most 2,000 random rows of
the validation file. Each result is appended to a JSONL file, and what is in there is not measured again.
Prints a Markdown table of the mean difference to the recipe over the seeds, with its standard error.
"""

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

from transfer import CONFIGS, TASKS, results, sample, spread, take_rows

import kerasbert

RECIPE = "the recipe"
VALIDATION_ROWS = 2_000
VARIANTS = {
    RECIPE: [],
    "no token dropout": ["training.token_dropout=0"],
    "half the learning rate": ["training.learning_rate=2.5e-4"],
    "embedding rate 1": ["training.embedding_rate=1"],  # the recipe's for reviews
    "embedding rate 4": ["training.embedding_rate=4"],  # the recipe's for spam and topics
    "label smoothing 0.1": ["training.label_smoothing=0.1"],
    "focal loss, gamma 2": ["training.focal_gamma=2"],
    "layer decay 0.8": ["training.layer_decay=0.8"],
    "gradual unfreezing": ["training.gradual_unfreezing=true"],
    "moving average 0.99": ["training.ema_decay=0.99"],
    "R-Drop 1": ["training.r_drop=1"],
    "adversarial embeddings, norm 1": ["training.adversarial_norm=1"],
    "both, adversarial and gradual": ["training.adversarial_norm=1", "training.gradual_unfreezing=true"],
    "LoRA of rank 8, rate 2e-3": ["training.lora_rank=8", "training.learning_rate=2e-3"],
    "a copy by swap and delete": ["augmentation.copies=1"],
    "a copy by homophones": ["augmentation.copies=1", "augmentation.methods=[homophone]"],
    "a copy by masked LM": ["augmentation.copies=1", "augmentation.methods=[masked_lm]"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--task", action="append", choices=TASKS)
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--seed", action="append", type=int)
    parser.add_argument("--only", action="append", choices=list(VARIANTS))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--workdir", type=Path, default=Path("runs") / "ablation")
    arguments = parser.parse_args()
    arguments.workdir.mkdir(parents=True, exist_ok=True)
    for seed in arguments.seed or (0, 1, 2):
        for variant in arguments.only or VARIANTS:
            for task in arguments.task or TASKS:
                measure(arguments, {"task": task, "rows": arguments.rows, "variant": variant, "seed": seed})
    print(table([result for result in results(arguments.workdir) if result["rows"] == arguments.rows]))


def measure(arguments: argparse.Namespace, case: dict[str, Any]) -> None:
    """Trains one case, unless its result is there."""
    if any(case.items() <= result.items() for result in results(arguments.workdir)):
        return
    settings = [f"training.seed={case['seed']}", *arguments.set, *VARIANTS[case["variant"]]]
    config = kerasbert.load_config(CONFIGS / f"{case['task']}.yaml", settings)
    if case["rows"]:
        take_rows(config, case["rows"], case["seed"], arguments.workdir)
    part = arguments.workdir / f"{case['task']}-validation.tsv"
    sample(config.data.validation[0], part, VALIDATION_ROWS, seed=0)
    config.data.validation = [str(part)]
    name = f"{case['task']}-{list(VARIANTS).index(case['variant'])}-{case['seed']}"
    number = sum(1 for _ in arguments.workdir.glob(f"{name}.*"))
    config.run_dir = str(arguments.workdir / f"{name}.{number}")
    metrics = kerasbert.train(config, quiet=True).metrics
    result = {**case, "accuracy": metrics["accuracy"], "train_seconds": metrics["train_seconds"]}
    print(json.dumps(result), flush=True)
    with (arguments.workdir / "results.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(result) + "\n")


def table(measured: list[dict[str, Any]]) -> str:
    """Returns a line for each variant."""
    tasks = [task for task in TASKS if any(result["task"] == task for result in measured)]
    lines = [f"| | {' | '.join(tasks)} |", f"| --- | {' | '.join('---' for _ in tasks)} |"]
    by_case = {(r["task"], r["variant"], r["seed"]): r for r in measured}
    for variant in VARIANTS:
        cells = []
        for task in tasks:
            seeds = [seed for of, name, seed in by_case if (of, name) == (task, RECIPE)]
            pairs = [
                (by_case[task, variant, seed], by_case[task, RECIPE, seed])
                for seed in seeds
                if (task, variant, seed) in by_case
            ]
            if variant == RECIPE:
                cells.append(spread([one["accuracy"] for one, _ in pairs]))
            else:
                cells.append(_change([100 * (one["accuracy"] - base["accuracy"]) for one, base in pairs]))
        lines.append(f"| {variant} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _change(points: list[float]) -> str:
    """Returns the mean change in points and its standard error."""
    if len(points) < 2:
        return f"{points[0]:+.2f} (1)" if points else "-"
    error = statistics.stdev(points) / len(points) ** 0.5
    return f"{statistics.mean(points):+.2f} ± {error:.2f} ({len(points)})"


if __name__ == "__main__":
    main()
