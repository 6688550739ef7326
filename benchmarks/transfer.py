"""What a pre-trained encoder brings: fine-tuned from it against the same encoder from scratch.

    python benchmarks/transfer.py [--recipes FOLDER] [--source SOURCE] [--task NAME]... [--rows N]...
        [--seed N]... [--init INIT]

Trains each recipe of configs/train (or of another folder, such as configs/train/e5) on the first N rows of a
random order of its training file (0: on all), and takes the validation accuracy of the best epoch, and
`accuracy_unseen` of the validation rows that are not training rows, too. From scratch means the same encoder
with the same vocabulary, random weights, and the learning rates that suit those. Each result is appended to
results.jsonl, and what is in there is not measured again. Prints a Markdown table of means and standard
deviations over the seeds.
"""

import argparse
import json
import random
import statistics
from pathlib import Path
from typing import Any

import kerasbert
from kerasbert.checkpoints import open_source
from kerasbert.config import Config
from kerasbert.evaluation.baseline import baseline_decisions
from kerasbert.tasks.metrics import score_decisions
from kerasbert.training import Prepared

CONFIGS = Path(__file__).parents[1] / "configs" / "train"
TASKS = ("sentiment", "spam", "news_topic")
INITS = ("pre-trained", "scratch")
# Passes over few rows are short, and many are needed.
FEW_ROWS = {1_000: {"epochs": 8, "batch_size": 16}, 10_000: {"epochs": 4}}
SCRATCH = {"learning_rate": 1e-3, "embedding_rate": 1.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--source", help="instead of the encoder of the recipe")
    parser.add_argument("--recipes", type=Path, default=CONFIGS)
    parser.add_argument("--task", action="append", choices=TASKS)
    parser.add_argument("--rows", action="append", type=int)
    parser.add_argument("--init", action="append", choices=INITS)
    parser.add_argument("--seed", action="append", type=int)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--workdir", type=Path, default=Path("runs") / "transfer")
    arguments = parser.parse_args()
    arguments.workdir.mkdir(parents=True, exist_ok=True)
    for seed in arguments.seed or (0, 1, 2):
        for rows in arguments.rows or (1_000, 10_000, 0):
            for task in arguments.task or TASKS:
                for init in arguments.init or INITS:
                    measure(arguments, {"task": task, "rows": rows, "init": init, "seed": seed})
    print(table(results(arguments.workdir)))


def measure(arguments: argparse.Namespace, case: dict[str, Any]) -> None:
    """Trains one case, unless its result is there or the file has fewer rows."""
    if any(case.items() <= result.items() for result in results(arguments.workdir)):
        return
    settings = [f"training.seed={case['seed']}", *arguments.set]
    config = kerasbert.load_config(arguments.recipes / f"{case['task']}.yaml", settings)
    config.backbone.source = arguments.source or config.backbone.source
    if case["rows"] and not take_rows(config, case["rows"], case["seed"], arguments.workdir):
        return
    if case["init"] == "scratch":
        source = open_source(config.backbone.source)
        vocabulary = arguments.workdir / source.vocabulary.file_name
        source.vocabulary.save(vocabulary)
        config.text.vocabulary = str(vocabulary)
        config.backbone = source.config.model_copy(
            update={"source": "scratch", "dropout": config.backbone.dropout}
        )
        config.training = config.training.model_copy(update=SCRATCH)
    name = "-".join(map(str, case.values()))
    number = sum(1 for _ in arguments.workdir.glob(f"{name}.*"))
    config.run_dir = str(arguments.workdir / f"{name}.{number}")
    trained = kerasbert.train(config)
    names = ("accuracy", "macro_f1", "best_epoch", "train_seconds")
    result = {
        **case,
        **{name: trained.metrics[name] for name in names},
        "naive_bayes": floor(trained.prepared),
        "accuracy_unseen": unseen(trained.prepared, trained.run.predictions),
    }
    with (arguments.workdir / "results.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(result) + "\n")


def take_rows(config: Config, rows: int, seed: int, workdir: Path) -> bool:
    """Sets a random sample of the rows and the training settings for few; False if there are no more rows."""
    part = workdir / f"{config.task}-{rows}-{seed}.tsv"
    if sample(config.data.train[0], part, rows, seed) <= rows:
        return False
    config.data.train = [str(part)]
    config.training = config.training.model_copy(update=FEW_ROWS[rows])
    return True


def sample(path: str, part: Path, rows: int, seed: int) -> int:
    """Writes a random sample of the rows of a file to `part`, and returns how many the file has."""
    header, *lines = Path(path).read_text(encoding="utf-8").splitlines()
    chosen = random.Random(seed).sample(lines, min(rows, len(lines)))
    part.write_text("\n".join([header, *chosen]) + "\n", encoding="utf-8")
    return len(lines)


def floor(prepared: Prepared) -> float:
    """Returns the validation accuracy of naive Bayes on the same rows."""
    task = prepared.task
    decided = baseline_decisions(prepared.train, prepared.validation, task.labels)
    assert decided is not None
    return float(score_decisions(task.targets(prepared.validation.labels), decided, task.labels)["accuracy"])


def unseen(prepared: Prepared, predictions: Path) -> float:
    """Returns the accuracy on the validation rows whose text is no training row, word for word."""
    seen = set(prepared.train.texts)
    records = map(json.loads, predictions.read_text(encoding="utf-8").splitlines())
    return statistics.mean(of["label"] == of["truth"] for of in records if of["text"] not in seen)


def results(workdir: Path) -> list[dict[str, Any]]:
    """Returns what was measured."""
    path = workdir / "results.jsonl"
    return (
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []
    )


def table(measured: list[dict[str, Any]]) -> str:
    """Returns a line for each task and number of rows."""
    lines = [
        f"| task | training rows | {' | '.join(INITS)} | naive Bayes |",
        "| --- | --- | --- | --- | --- |",
    ]
    for task in TASKS:
        for rows in sorted({r["rows"] for r in measured if r["task"] == task}, key=lambda n: n or 10**9):
            of_rows = [r for r in measured if (r["task"], r["rows"]) == (task, rows)]
            cells = [spread([r["accuracy"] for r in of_rows if r["init"] == init]) for init in INITS]
            cells.append(spread(list({r["seed"]: r["naive_bayes"] for r in of_rows}.values())))
            lines.append(f"| {task} | {rows or 'all'} | {' | '.join(cells)} |")
    return "\n".join(lines)


def spread(values: list[float]) -> str:
    """Returns mean, standard deviation and number."""
    if len(values) < 2:
        return f"{values[0]:.4f} (1)" if values else "-"
    return f"{statistics.mean(values):.4f} ± {statistics.stdev(values):.4f} ({len(values)})"


if __name__ == "__main__":
    main()
