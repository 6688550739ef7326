"""How long `kerasbert predict` takes for one text, from the start of the process to its end.

    python benchmarks/cold_start.py RUN MODEL_DIR [--rounds 5] [--text TEXT]

RUN and MODEL_DIR are a run directory and its export. An export answers a TEXT without importing TensorFlow;
a file of one row (`--input`) shows what that saves. The commands take turns, after a round that is not
counted. Prints the medians of wall-clock and processor seconds.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_COMMAND = [sys.executable, "-c", "from kerasbert.cli import main; main()", "predict"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("run")
    parser.add_argument("model_dir")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--text", default="房间干净，服务也好。")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "rows.csv"
        file.write_text(f"text\n{arguments.text}\n", encoding="utf-8")
        commands = {
            "a run": [arguments.run, arguments.text],
            "an export, by TensorFlow's Python (--input)": [arguments.model_dir, "--input", str(file)],
            "an export": [arguments.model_dir, arguments.text],
        }
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for turn in range(arguments.rounds + 1):
            for name, options in commands.items():
                taken = measure([*_COMMAND, *options])
                if turn:
                    seconds[name].append(taken)
    print(f"load of the machine now {os.getloadavg()[0]:.1f}\n\n| predict | s | processor, s |")
    print("| --- | ---: | ---: |")
    for name, times in seconds.items():
        wall, processor = map(statistics.median, zip(*times, strict=True))
        print(f"| {name} | {wall:.1f} | {processor:.1f} |")


def measure(command: list[str]) -> tuple[float, float]:
    """Returns the wall-clock and processor seconds of a command and the processes that it starts."""
    before, begin = os.times(), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    wall, after = time.perf_counter() - begin, os.times()
    spent = (after.children_user + after.children_system) - (before.children_user + before.children_system)
    return wall, spent


if __name__ == "__main__":
    main()
