"""Fine-tuning speed beside Transformers: the same weights, rows, batch size, optimizer and longest length.

    python benchmarks/train_vs_transformers.py ROWS [--text-column text] [--label-column label]
        [--max-length 512] [--batch-size 16] [--batches 4] [--rounds 5] [--sizes 4,512,8,2048]
        [--source kerasbert-tiny-zh --held-out ROWS --learning-rate 5e-4]

Each contender is a process of its own; all learn from the same rows, in turns, and medians are compared. Of
Transformers' text-classification example there are its settings, which pad every row to the longest length,
and its best ones: rows grouped by length and padded to the longest of their batch. Both use fused AdamW. The
encoder is random, or that of `--source`, and saved once, as a Hugging Face folder, for all. Prints rows per
second, what share of the machine's measured matrix product that is (operations on real tokens only,
Korthikanti et al. 2022), the memory at its peak and, with `--held-out`, the accuracy after all turns.
`--growth` shows how the time of a step grows with rows and tokens instead.

Needs `pip install torch transformers` beside kerasbert.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from worker import Worker, answer_requests, apart, peak_memory

CONTENDERS = {
    f"{side}, {precision}": (side, precision)
    for precision in ("float32", "bfloat16")
    for side in ("Transformers, padded to max", "Transformers, dynamic", "kerasbert")
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--label-column", default="label")
    parser.add_argument("--max-length", type=int, default=512)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--batches", type=int, default=4, help="of one turn")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", default="4,512,8,2048", help="layers, width, heads, feed-forward width")
    parser.add_argument("--vocabulary", type=Path, default=Path("../shared/data/vocab/vocab.txt"))
    parser.add_argument("--source", default="scratch")
    parser.add_argument("--held-out", type=Path)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--contender", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.contender:
        work(arguments)
        return
    with tempfile.TemporaryDirectory() as folder:
        arguments.folder = Path(folder)
        peaks = apart(save_inputs, arguments)
        (growth if arguments.growth else compare)(arguments, peaks)


def compare(arguments: argparse.Namespace, peaks: dict[str, float]) -> None:
    """Lets all contenders learn from the same rows in turns."""
    workers = {name: worker_of(name, arguments) for name in CONTENDERS}
    turns: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
    for turn in range(arguments.rounds + 1):
        for name, worker in workers.items():
            done = worker.ask(turn)
            if turn:  # the first one traces and allocates
                turns[name].append(done)
    accuracies = {name: worker.ask("evaluate")["accuracy"] for name, worker in workers.items()}
    for worker in workers.values():
        worker.end()
    of = f"sizes {arguments.sizes}" if arguments.source == "scratch" else arguments.source
    print(f"{arguments.max_length} tokens at most, {arguments.batch_size} rows, {of}")
    columns = [("", "<38"), ("rows/s", ">8"), ("of matmul peak", ">16"), ("peak memory", ">14")]
    columns += [("of it training", ">16"), ("accuracy", ">10")]
    print("".join(f"{name:{width}}" for name, width in columns))
    speeds = {}
    for name, (_, precision) in CONTENDERS.items():
        speeds[name] = statistics.median(turn["rows"] / turn["seconds"] for turn in turns[name])
        useful = statistics.median(turn["operations"] / turn["seconds"] for turn in turns[name])
        last = turns[name][-1]
        print(
            f"{name:<38}{speeds[name]:>8.1f}{useful / peaks[precision]:>16.0%}{last['memory']:>10,.0f} MiB"
            f"{last['memory'] - last['before']:>12,.0f} MiB{accuracies[name]:>10.4f}"
        )
    for precision in ("float32", "bfloat16"):
        ours = speeds[f"kerasbert, {precision}"]
        ratios = [
            f"{ours / speeds[f'{side}, {precision}']:.2f} times {side}"
            for side in ("Transformers, padded to max", "Transformers, dynamic")
        ]
        print(f"kerasbert, {precision}: {' and '.join(ratios)}")
    share = statistics.median(
        turn["data"] / turn["seconds"] for name in CONTENDERS if "kerasbert" in name for turn in turns[name]
    )
    print(f"kerasbert's batches alone take {share:.1%} of its time; matmul peaks {describe(peaks)}")


def growth(arguments: argparse.Namespace, peaks: dict[str, float]) -> None:
    """Shows the time of kerasbert's steps over full rows, by rows and by length."""
    cases = [(8, 128), (16, 128), (32, 128), (8, 256), (8, 512)]
    worker = worker_of("kerasbert, float32", arguments)
    times: dict[tuple[int, int], list[float]] = {case: [] for case in cases}
    for turn in range(arguments.rounds + 1):
        for case in cases:
            done = worker.ask(list(case))
            if turn:
                times[case].append(done["seconds"])
    worker.end()
    medians = {case: statistics.median(of_case) for case, of_case in times.items()}
    for (rows, length), seconds in medians.items():
        ratio = seconds / medians[cases[0]]
        print(f"{rows:>4} rows of {length:>4} tokens: {seconds * 1e3:>8.0f} ms, {ratio:.2f} times the first")


def describe(peaks: dict[str, float]) -> str:
    return ", ".join(f"{precision} {peak / 1e9:,.0f} GFLOP/s" for precision, peak in peaks.items())


def worker_of(name: str, arguments: argparse.Namespace) -> Worker:
    """Returns the process of a contender."""
    given = {**vars(arguments), "contender": name}
    rows = str(given.pop("rows"))
    given.pop("growth")
    options = [f"--{key.replace('_', '-')}={value}" for key, value in given.items() if value is not None]
    return Worker(__file__, [rows, *options])


def work(arguments: argparse.Namespace) -> None:
    """Learns from the rows of a turn each time a line comes in."""
    side, precision = CONTENDERS[arguments.contender]
    learn = (kerasbert if side == "kerasbert" else transformers)(arguments, side, precision)
    before = peak_memory()
    answer_requests(lambda what: {**learn(what), "memory": peak_memory(), "before": before})


def steps_of(arguments: argparse.Namespace) -> int:
    """Returns the optimizer steps of all turns."""
    return arguments.batches * (arguments.rounds + 1)


def save_inputs(arguments: argparse.Namespace) -> dict[str, float]:
    """Writes the model and the rows of all turns; returns the matmul peaks."""
    import keras
    import numpy as np
    import tensorflow as tf

    from kerasbert.checkpoints import open_source, save_hugging_face
    from kerasbert.config import EncoderConfig, TextConfig
    from kerasbert.data import Columns, Row, load_rows
    from kerasbert.models import build_backbone, build_pretraining_model
    from kerasbert.text import TextGraph, import_vocabulary

    layers, width, heads, intermediate = map(int, arguments.sizes.split(","))
    vocabulary, source = import_vocabulary(arguments.vocabulary), None
    config = EncoderConfig(
        num_layers=layers,
        hidden_dim=width,
        num_heads=heads,
        intermediate_dim=intermediate,
        max_positions=512,
        activation="gelu",
    )
    if arguments.source != "scratch":
        source = open_source(arguments.source)
        config, vocabulary = source.config, source.vocabulary
    keras.utils.set_random_seed(0)
    backbone = build_backbone(config, len(vocabulary))
    if source:
        source.copy_to(backbone)
    model = build_pretraining_model(backbone, config, next_sentence=True)
    save_hugging_face(arguments.folder, model, config, TextConfig(), vocabulary)
    columns = Columns(text=arguments.text_column, label=arguments.label_column)
    rows = load_rows([arguments.rows], columns).rows
    labels = sorted({row.labels[0] for row in rows})
    graph = TextGraph(vocabulary, arguments.max_length)

    def tokenized(rows: list[Row]) -> dict[str, list[Any]]:
        ids = graph.tokenize(tf.constant([row.text for row in rows])).to_list()
        tokens = [[vocabulary.cls, *row[: arguments.max_length - 2], vocabulary.sep] for row in ids]
        return {"ids": tokens, "labels": [labels.index(row.labels[0]) for row in rows]}

    count, random = arguments.batches * arguments.batch_size, np.random.default_rng(0)
    order = np.resize(random.permutation(len(rows)), (arguments.rounds + 1) * count)
    turns = [tokenized([rows[place] for place in part]) for part in order.reshape(-1, count)]
    held_out = load_rows([arguments.held_out], columns).rows if arguments.held_out else rows[:64]
    saved = {"labels": len(labels), "turns": turns, "held_out": tokenized(held_out)}
    (arguments.folder / "turns.json").write_text(json.dumps(saved))
    return {"float32": matmul_peak(tf.float32), "bfloat16": matmul_peak(tf.bfloat16)}


def matmul_peak(dtype: Any) -> float:
    """Returns the most operations a second of a product of large matrices, the best of ten."""
    import tensorflow as tf

    a, b = tf.ones([2048, 2048], dtype), tf.ones([2048, 2048], dtype)
    best = 0.0
    for _ in range(10):
        start = time.perf_counter()
        tf.matmul(a, b).numpy()
        best = max(best, 2 * 2048**3 / (time.perf_counter() - start))
    return best


def operations(arguments: argparse.Namespace, lengths: list[int]) -> float:
    """Returns the operations on real tokens of forward and backward, three times the forward's."""
    saved = json.loads((arguments.folder / "config.json").read_text())
    layers, width, intermediate = (
        saved[name] for name in ("num_hidden_layers", "hidden_size", "intermediate_size")
    )
    per_token = 2 * (4 * width * width + 2 * width * intermediate)
    return 3.0 * layers * sum(length * per_token + 4 * length * length * width for length in lengths)


def kerasbert(arguments: argparse.Namespace, side: str, precision: str) -> Callable[[Any], dict[str, float]]:
    """Plans, packs and trains as `kerasbert train` does."""
    import numpy as np
    import tensorflow as tf

    from kerasbert.checkpoints import open_source
    from kerasbert.config import Config
    from kerasbert.data import Plan
    from kerasbert.data.batches import Examples, TokenizedRows, training_batches
    from kerasbert.engine.optimizer import build_optimizer
    from kerasbert.engine.schedule import build_schedule
    from kerasbert.engine.strategy import distribute
    from kerasbert.engine.trainer import Totals, Trainer
    from kerasbert.models import build_backbone, build_model
    from kerasbert.tasks import Classification
    from kerasbert.text import TextGraph
    from kerasbert.training.objective import build_objective

    saved = json.loads((arguments.folder / "turns.json").read_text())
    source = open_source(str(arguments.folder))
    policy = "float32" if precision == "float32" else "mixed_bfloat16"
    training = {"learning_rate": arguments.learning_rate, "precision": policy}
    config = Config(training={**training, "max_length": arguments.max_length})
    task = Classification([str(label) for label in range(saved["labels"])])
    backbone = build_backbone(source.config, len(source.vocabulary), policy)
    source.copy_to(backbone)
    model = build_model(backbone, task, config.head)
    strategy = tf.distribute.get_strategy()
    optimizer = build_optimizer(config.training, build_schedule(config.training, steps_of(arguments)))
    trainer = Trainer(model, optimizer, build_objective(model, task, config), strategy)
    graph = TextGraph(source.vocabulary, arguments.max_length)
    answer = tf.function(lambda inputs: model(inputs, training=False), reduce_retracing=True)

    def evaluate() -> dict[str, float]:
        ids, labels = saved["held_out"]["ids"], saved["held_out"]["labels"]
        packed = [graph.pack(tf.ragged.constant([row[1:-1]], tf.int32), None) for row in ids]
        right = [int(tf.argmax(answer(one)[0])) == label for one, label in zip(packed, labels, strict=True)]
        return {"accuracy": sum(right) / len(right)}

    def learn(what: Any) -> dict[str, float]:
        if what == "evaluate":
            return evaluate()
        if isinstance(what, list):
            rows, length = what
            turn: dict[str, Any] = {"ids": [[2, *[5] * (length - 2), 3]] * rows, "labels": [0] * rows}
            size = rows
        else:
            turn, size = saved["turns"][what], arguments.batch_size
        lengths = [len(row) for row in turn["ids"]]
        start = time.perf_counter()
        ids = tf.ragged.constant([row[1:-1] for row in turn["ids"]], tf.int32)
        targets = np.eye(saved["labels"], dtype=np.float32)[turn["labels"]]
        plan = Plan(np.array(lengths), size).epoch(0)
        weights = np.ones(len(lengths), np.float32)
        rows = TokenizedRows(ids, None, ids.row_lengths().numpy() + 2)
        batches = training_batches(Examples(rows, targets, weights), plan, graph)
        iterator = distribute(strategy, batches)
        totals = Totals()
        for _ in range(len(plan)):
            totals.add(trainer.step(iterator))
        totals.means()  # waits for the last
        seconds = time.perf_counter() - start
        iterator, work = iter(batches), operations(arguments, lengths)
        next(iterator)  # starts the pipeline
        start = time.perf_counter()
        rest = sum(1 for _ in iterator)
        data = (time.perf_counter() - start) * len(plan) / max(rest, 1)
        return {"seconds": seconds, "rows": len(lengths), "operations": work, "data": data}

    return learn


def transformers(
    arguments: argparse.Namespace, side: str, precision: str
) -> Callable[[Any], dict[str, float]]:
    """The training step of Transformers' Trainer: fused AdamW, clipping, a linear schedule, autocast."""
    import numpy as np
    import torch
    from transformers import AutoModelForSequenceClassification, get_linear_schedule_with_warmup, logging

    logging.set_verbosity_error()  # the head is new, and it would say so
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    saved = json.loads((arguments.folder / "turns.json").read_text())
    model = AutoModelForSequenceClassification.from_pretrained(arguments.folder, num_labels=saved["labels"])
    model.train()
    rate, steps = arguments.learning_rate, steps_of(arguments)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01, fused=True)
    schedule = get_linear_schedule_with_warmup(optimizer, steps // 10, steps)
    dynamic = "dynamic" in side

    def batches(turn: dict[str, Any]) -> Iterator[dict[str, torch.Tensor]]:
        order = np.random.default_rng(0).permutation(len(turn["ids"]))
        if dynamic:  # as Trainer's group_by_length: sorted inside a large window
            order = order[np.argsort([-len(turn["ids"][place]) for place in order], kind="stable")]
        for start in range(0, len(order), arguments.batch_size):
            rows = [turn["ids"][place] for place in order[start : start + arguments.batch_size]]
            width = max(map(len, rows)) if dynamic else arguments.max_length
            ids = torch.zeros(len(rows), width, dtype=torch.long)
            for row, tokens in zip(ids, rows, strict=True):
                row[: len(tokens)] = torch.tensor(tokens)
            labels = torch.tensor([turn["labels"][place] for place in order[start:][: len(rows)]])
            yield {"input_ids": ids, "attention_mask": (ids != 0).long(), "labels": labels}

    def evaluate() -> dict[str, float]:
        ids, labels = saved["held_out"]["ids"], saved["held_out"]["labels"]
        model.eval()
        with torch.no_grad():
            answers = [int(model(torch.tensor([row])).logits.argmax()) for row in ids]
        right = [answer == label for answer, label in zip(answers, labels, strict=True)]
        return {"accuracy": sum(right) / len(right)}

    def learn(what: Any) -> dict[str, float]:
        if what == "evaluate":
            return evaluate()
        turn = saved["turns"][what]
        start = time.perf_counter()
        for batch in batches(turn):
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                loss = model(**batch).loss
            loss.backward()  # on a CPU, done when it returns
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        lengths = [len(row) for row in turn["ids"]]
        seconds = time.perf_counter() - start
        return {"seconds": seconds, "rows": len(lengths), "operations": operations(arguments, lengths)}

    return learn


if __name__ == "__main__":
    main()
