"""The memory of a process that trains one small model after the other, as `tune`, `--seeds` and `--folds` do.

    python benchmarks/repeated_training.py --trainings 30

Each line is a training: its number, its seconds and the resident memory of the process after it.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

from kerasbert.config import Config
from kerasbert.tasks import get_task
from kerasbert.training import train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--trainings", type=int, default=30)
    parser.add_argument("--task", default="sentiment", help="a task that brings sample data")
    arguments = parser.parse_args()
    sample = get_task(arguments.task).sample_data
    assert sample is not None, f"{arguments.task} brings no sample data"
    settings = {
        "task": arguments.task,
        "data": {"train": [str(sample.train)], "validation": [str(sample.validation)]},
        "training": {"epochs": 1, "max_length": 32},
        "backbone": {"source": "kerasbert-tiny-zh"},
    }
    first = memory = 0.0
    with tempfile.TemporaryDirectory() as directory:
        for number in range(1, arguments.trainings + 1):
            start = time.perf_counter()
            train(Config.model_validate(settings | {"run_dir": str(Path(directory, str(number)))}))
            seconds, memory = time.perf_counter() - start, _resident_mebibytes()
            first = first or memory
            print(
                f"{number:3}  {seconds:6.1f} s  {memory:7.0f} MiB  {memory - first:+5.0f}",
                flush=True,
            )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak {peak:.0f} MiB; grown by {memory - first:.0f} MiB since the first training")


def _resident_mebibytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


if __name__ == "__main__":
    main()
