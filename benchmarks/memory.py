"""Peak memory of the commands that read long files, and how it grows with the rows.

    python benchmarks/memory.py [--rows N] [--rows N] [--command NAME]... [--workdir DIR]

Makes files of N made-up titles of about 20 characters, 100,000 and 1,000,000 by default, trains a tiny model,
and runs each command on each file in a process of its own. Prints a Markdown table of peak resident sizes,
of the bytes that a row takes by the difference of the two, and of the seconds for the longer file.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

COMMAND = Path(sys.executable).with_name("kerasbert")
WORDS = ("手机", "酒店", "早餐", "衣服", "电影", "快递", "耳机", "天气", "房间", "屏幕", "服务", "价格")
OPINIONS = {"positive": ("很好", "喜欢", "推荐"), "negative": ("太差", "失望", "后悔")}
SIZES = {"num_layers": 1, "hidden_dim": 16, "num_heads": 2, "intermediate_dim": 32}
COMMANDS: dict[str, Callable[[Path, Path, Path], list[str | Path]]] = {
    "predict": lambda run, rows, out: ["predict", run, "--input", rows, "--output", out / "answers.jsonl"],
    "embed": lambda run, rows, out: ["embed", run, "--input", rows, "--output", out / "vectors.npy"],
    "evaluate": lambda run, rows, out: ["evaluate", run, "--data", rows],
    "data check": lambda run, rows, out: ["data", "check", rows],
    "data select": lambda run, rows, out: [
        *("data", "select", run, "--input", rows, "--count", "200", "--output", out / "next.csv")
    ],
    "data clean": lambda run, rows, out: [
        *("data", "clean", rows, "--predictions", rows.with_suffix(".answers.jsonl")),
        *("--output", out / f"review-{rows.stem}-{time.time_ns()}"),
    ],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", action="append", type=int)
    parser.add_argument("--command", action="append", choices=COMMANDS)
    parser.add_argument("--workdir", type=Path, default=Path("runs") / "memory")
    arguments = parser.parse_args()
    workdir = arguments.workdir
    workdir.mkdir(parents=True, exist_ok=True)
    few, many = sorted(arguments.rows or (100_000, 1_000_000))
    files = {rows: write_rows(workdir, rows) for rows in (1_000, few, many)}
    run = workdir / "run"
    if not (run / "metrics.json").is_file():
        config = workdir / "config.yaml"
        data, training = {"train": str(files[1_000])}, {"epochs": 1, "max_length": 32}
        config.write_text(
            json.dumps({"data": data, "backbone": SIZES, "training": training}), encoding="utf-8"
        )
        measure(["train", config, "--output", run])
    print(
        f"| command | {few:,} rows | {many:,} rows | bytes a row | seconds |\n" + "| --- " * 5 + "|",
        flush=True,
    )
    for name in arguments.command or COMMANDS:
        found = [measure(COMMANDS[name](run, files[rows], workdir)) for rows in (few, many)]
        (less, _), (more, seconds) = found
        per_row = (more - less) / (many - few)
        print(
            f"| {name} | {less / 2**20:,.0f} MiB | {more / 2**20:,.0f} MiB | {per_row:,.0f} | "
            f"{seconds:,.0f} |",
            flush=True,
        )


def write_rows(workdir: Path, count: int) -> Path:
    """Returns a file of rows, beside which are the answers of a model that is right nine times of ten."""
    path = workdir / f"rows-{count}.jsonl"
    draw = random.Random(0)
    with (
        path.open("w", encoding="utf-8") as rows,
        path.with_suffix(".answers.jsonl").open("w", encoding="utf-8") as answers,
    ):
        for number in range(count):
            label = draw.choice(list(OPINIONS))
            text = "".join([*draw.choices(WORDS, k=6), draw.choice(OPINIONS[label]), str(number)])
            sure = draw.random() * 0.5 + (0.45 if draw.random() < 0.9 else 0)
            other = next(name for name in OPINIONS if name != label)
            print(json.dumps({"text": text, "label": label}, ensure_ascii=False), file=rows)
            record = {"text": text, "probabilities": {label: sure, other: 1 - sure}}
            print(json.dumps(record, ensure_ascii=False), file=answers)
    return path


def measure(arguments: list[str | Path]) -> tuple[int, float]:
    """Runs a command and returns its peak resident size in bytes, and the seconds."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [COMMAND, *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(errors.decode())
    return usage.ru_maxrss * 1024, time.perf_counter() - start


if __name__ == "__main__":
    main()
