"""Long texts: windows against the cut, in accuracy, time and memory.

    python benchmarks/long_texts.py [--task NAME]... [--rows N] [--epochs N] [--seed N]... [--workdir DIR]

Trains the bundled encoder on two tasks, once for each way to read a long text:

- iflytek: descriptions of apps in the most frequent of 119 categories (../shared/data/iflytek).
- articles: made here of headlines of four topics and statutes. An article has eight headlines of its topic
  at random places of about 2,200 characters of statutes, which say nothing about it. Headlines of training
  and validation come from the files of training and validation.

Each training is a process of its own, and MiB is by how much the training raised its memory. Each result is
appended to results.jsonl in DIR, and what is in there is not measured again. Then asks the last model that
reads windows about one text of a thousand to a million characters.
"""

import argparse
import gzip
import json
import random
import shutil
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from worker import apart, peak_memory

import kerasbert
from kerasbert.config import Config, parse_config
from kerasbert.data.batches import tokenize_rows
from kerasbert.models import build_text_graph
from kerasbert.training import prepare, train

DATA = Path(__file__).parents[2] / "shared" / "data"
TOPICS = ("sports", "stocks", "game", "entertainment")
HEADLINES, CHARACTERS = 8, 2_200
# How texts are read: the name, max_length, the section text, and head.pooling.
READ: dict[str, list[tuple[str, int, dict[str, Any], str]]] = {
    task: [
        (f"{windows} windows", 128, {"windows": windows}, "mean_max"),
        ("head", 128, {}, "mean_max"),
        ("head and tail", 128, {"truncation": "head_tail"}, "mean_max"),
        ("tail", 128, {"truncation": "tail"}, "mean_max"),
        ("head", 512, {}, "mean_max"),
        (f"{windows} windows", 128, {"windows": windows}, "attention"),
        (f"{windows} windows", 128, {"windows": windows}, "max"),
        (f"{windows} windows", 128, {"windows": windows}, "mean"),
        (f"{windows} windows", 128, {"windows": windows}, "cls"),
    ]
    for task, windows in (("articles", 24), ("iflytek", 16))
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--task", action="append", choices=READ)
    parser.add_argument("--readings", type=int, default=9, help="how many ways to read, from the first")
    parser.add_argument(
        "--rows", type=int, default=240, help="of the training; half as many are validated on"
    )
    parser.add_argument("--categories", type=int, default=20, help="of iflytek, the most frequent ones")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seed", type=int, action="append")
    parser.add_argument("--workdir", type=Path, default=Path("runs") / "long_texts")
    arguments = parser.parse_args()
    arguments.workdir.mkdir(parents=True, exist_ok=True)
    print("| task | tokens read | pooling | accuracy | seconds | ms per 1,000 tokens | MiB |")
    print("| --- " * 7 + "|")
    windowed = Path()
    for task in arguments.task or READ:
        files = write_rows(task, arguments.rows, arguments.categories, arguments.workdir)
        for name, length, text, pooling in READ[task][: arguments.readings]:
            found = []
            for seed in arguments.seed or [0]:
                training = {
                    "epochs": arguments.epochs,
                    "batch_size": 8,
                    "max_length": length,
                    "learning_rate": 5e-4,
                    "precision": "mixed_bfloat16",
                    "seed": seed,
                }
                config = {
                    "data": {"train": str(files[0]), "validation": str(files[1])},
                    "backbone": {"source": "kerasbert-tiny-zh"},
                    "text": text,
                    "head": {"pooling": pooling},
                    "training": training,
                }
                run, result = measured(arguments.workdir, config)
                windowed = run if "windows" in text else windowed
                found.append(result)
            accuracies = [of["accuracy"] for of in found]
            seconds, memory = (np.mean([of[name] for of in found]) for name in ("seconds", "memory"))
            of_tokens = seconds / arguments.epochs / found[0]["tokens"]
            print(
                f"| {task} | {name} of {length} | `{pooling}` | {np.mean(accuracies):.3f}"
                + (f" ± {np.std(accuracies, ddof=1):.3f}" if len(found) > 1 else "")
                + f" | {seconds:.0f} | {of_tokens * 1e6:.0f} | {memory:.0f} |",
                flush=True,
            )
    print("\n| one text | seconds | MiB beyond those of a short one |\n| --- | --- | --- |")
    for characters in (1_000, 10_000, 100_000, 1_000_000):
        of = apart(answer, str(windowed), characters)
        print(f"| {characters:,} characters | {of['seconds']:.2f} | {of['memory']:.0f} |", flush=True)


def write_rows(task: str, count: int, categories: int, workdir: Path) -> tuple[Path, Path]:
    """Returns the files of rows to train and to validate on."""
    workdir.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    chosen: set[str] = set()  # the most frequent categories of the training rows
    for side, rows in (("train", count), ("dev", max(count // 2, 1))):
        if task == "iflytek":
            lines = (DATA / "iflytek" / f"{side}.tsv").read_text(encoding="utf-8").splitlines()[1:]
            pairs = [line.split("\t") for line in lines]
            if not chosen:
                chosen = {label for label, _ in Counter(label for _, label in pairs).most_common(categories)}
            pairs = [pair for pair in pairs if pair[1] in chosen]
            random.Random(0).shuffle(pairs)
        else:
            pairs = articles(side, rows)
        paths.append(workdir / f"{task}-{side}-{count}.jsonl")
        records = (json.dumps({"text": text, "label": label}) for text, label in pairs[:rows])
        paths[-1].write_text("\n".join(records), encoding="utf-8")
    return paths[0], paths[1]


def articles(side: str, count: int) -> list[list[str]]:
    """Returns articles with their topics; see above."""
    draw = random.Random(side)
    lines = (DATA / "thucnews_titles" / f"{side}.tsv").read_text(encoding="utf-8").splitlines()[1:]
    headlines: dict[str, list[str]] = {topic: [] for topic in TOPICS}
    for text, label in (line.split("\t") for line in lines):
        if label in headlines:
            headlines[label].append(text)
    with gzip.open(DATA / "corpus" / "laws.txt.gz", "rt", encoding="utf-8") as file:
        laws = [line.strip() for line in file if line.strip()]
    made = []
    for number in range(count):
        topic, sentences, size = TOPICS[number % len(TOPICS)], list[str](), 0
        while size < CHARACTERS:
            sentences.append(draw.choice(laws))
            size += len(sentences[-1])
        for headline in draw.sample(headlines[topic], HEADLINES):
            sentences.insert(draw.randint(0, len(sentences)), headline)
        made.append(["".join(sentences), topic])
    return made


def measured(workdir: Path, config: dict[str, Any]) -> tuple[Path, dict[str, Any]]:
    """Returns the run directory of a training and its result, which is measured unless it was before."""
    log = workdir / "results.jsonl"
    lines = log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
    results = [json.loads(line) for line in lines]
    for number, result in enumerate(results):
        if result["config"] == config:
            return workdir / str(number), result
    run = workdir / str(len(results))
    shutil.rmtree(run, ignore_errors=True)
    result = {"config": config, **apart(measure, {**config, "run_dir": str(run)})}
    with log.open("a", encoding="utf-8") as file:
        print(json.dumps(result), file=file)
    return run, result


def measure(config: dict[str, Any]) -> dict[str, Any]:
    """Returns the accuracy, the seconds and the MiB of a training, and the tokens that an epoch reads."""
    prepared = prepare(parse_config(Config, config, where="benchmark"))
    graph = build_text_graph(prepared.config, prepared.task, prepared.vocabulary)
    tokens = int(tokenize_rows(prepared.train, graph).packed_lengths(graph).sum())
    before = peak_memory()
    metrics = train(prepared).metrics
    memory = peak_memory() - before
    return {
        "accuracy": metrics["accuracy"],
        "seconds": metrics["train_seconds"],
        "memory": memory,
        "tokens": tokens,
    }


def answer(run: str, characters: int) -> dict[str, float]:
    """Returns the seconds for one text, and by how many MiB it raised the memory of the process."""
    model = kerasbert.open_model(run)
    model.predict("今天")
    before, text = (
        peak_memory(),
        "".join(random.Random(0).choices("今天天气很好我们去公园散步", k=characters)),
    )
    start = time.perf_counter()
    model.predict(text)
    return {"seconds": time.perf_counter() - start, "memory": peak_memory() - before}


if __name__ == "__main__":
    main()
