"""What `kerasbert data select` says of more labels, beside what they bring.

    python benchmarks/expected_gain.py [--task NAME]... [--rows N] [--more N] [--seed N]... [--workdir DIR]

Trains each recipe of configs/train on N random rows, asks what M more would bring, and trains it on these
and M more, six epochs in batches of 16 without adversarial training. The accuracy is that of the best epoch
on at most 2,000 dev rows. A finished training is not repeated. Prints a Markdown table, in points.
"""

import argparse
import json
import random
from pathlib import Path

from transfer import CONFIGS, TASKS

import kerasbert
from kerasbert.checkpoints import RunDirectory
from kerasbert.curation.expected_gain import expected_gain_of
from kerasbert.errors import UserError
from kerasbert.predictors import open_model

DEV_ROWS = 2_000
SETTINGS = ("training.epochs=6", "training.batch_size=16", "training.adversarial_norm=0")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--task", action="append", choices=TASKS)
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--more", type=int, default=1_000)
    parser.add_argument("--seed", action="append", type=int)
    parser.add_argument("--workdir", type=Path, default=Path("runs") / "expected_gain")
    arguments = parser.parse_args()
    arguments.workdir.mkdir(parents=True, exist_ok=True)
    print("| task | seed | accuracy | expected | 95 % interval | gained |\n" + "| --- " * 6 + "|", flush=True)
    for seed in arguments.seed or (0, 1, 2):
        for task in arguments.task or TASKS:
            run, accuracy = train(task, arguments.rows, seed, arguments.workdir)
            try:
                found = expected_gain_of(open_model(run), arguments.more)
                expected = f"{found.gain:+.1%} | {found.low:.1%} to {found.high:.1%}"
            except UserError as error:
                expected = f"{error} | "
            _, after = train(task, arguments.rows + arguments.more, seed, arguments.workdir)
            cells = [task, str(seed), f"{accuracy:.1%}", expected, f"{after - accuracy:+.1%}"]
            print("|", " | ".join(cells), "|", flush=True)


def train(task: str, rows: int, seed: int, workdir: Path) -> tuple[Path, float]:
    """Returns a run of the first rows of a random order, and its accuracy."""
    run = RunDirectory(workdir / f"{task}-{rows}-{seed}")
    config = kerasbert.load_config(CONFIGS / f"{task}.yaml", [*SETTINGS, f"training.seed={seed}"])
    if not run.metrics.is_file():
        train_file, dev_file = (workdir / f"{run.path.name}{end}.tsv" for end in ("", "-dev"))
        take(config.data.train[0], train_file, rows, seed)
        take(config.data.validation[0], dev_file, DEV_ROWS, 0)
        config.data.train, config.data.validation = [str(train_file)], [str(dev_file)]
        config.run_dir = str(run.path)
        kerasbert.train(config)
    return run.path, json.loads(run.metrics.read_text(encoding="utf-8"))["accuracy"]


def take(source: str, part: Path, count: int, seed: int) -> None:
    """Writes the first rows of a random order; more rows of the same seed begin with them."""
    header, *lines = Path(source).read_text(encoding="utf-8").splitlines()
    random.Random(seed).shuffle(lines)
    part.write_text("\n".join([header, *lines[:count]]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
