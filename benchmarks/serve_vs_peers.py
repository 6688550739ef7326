"""Serving speed beside Transformers, KerasHub and ONNX Runtime: strings in, labels out, the same weights.

    python benchmarks/serve_vs_peers.py FILE:TEXT_COLUMN ... [--run RUN | --sizes 4,512,8,2048]
        [--texts 128] [--rounds 5] [--batch-sizes 1,8,32] [--threads 2] [--only NAME ...] [--growth]

RUN is a finished run whose head.pooling is cls, which is all that Transformers' BertForSequenceClassification
computes; without it the model is random. Each contender is a process of its own and gets the same requests,
in turns; the first turn and the first request of each turn are not counted.

- transformers-float32, -bfloat16, -compile: `pipeline("text-classification")` of the run as a Hugging Face
  folder, rows padded to the longest of their batch; `compile` is float32 by torch.compile(dynamic=True).
- kerashub-max, -fit: BertTextClassifier with its preprocessor in the graph, by ExportArchive. It pads all
  rows to one length: that of the run, as its users do, or the least that holds all texts of the file. Its
  tokenizer normalises by NFKC, so its probabilities are compared on texts that are so already.
- onnx-float32, -int8: ONNX Runtime after its optimizer for BERT, and that with dynamic int8 by channel;
  `tokenizers` pads rows to the longest of their batch.
- kerasbert-float32, -bfloat16, -int8: the exported SavedModel by TensorFlow's C API, as TensorFlow Serving
  runs it. KerasHub's runs so too.

Before anything is timed, all have to give the same probabilities within TOLERANCE. Prints Markdown: the time
of a request, median and 99th percentile; how many times as long as kerasbert's fastest; texts a second; the
memory at its peak; and the time from a process' start to its first answer. `--growth` shows instead how the
time grows with real tokens where the longest row stays the same.

Wants a quiet machine: threads that wait for others spin, PyTorch's most of all, which beside other work makes
it several times slower. OMP_WAIT_POLICY=passive in the environment avoids that.

Needs Linux, a C++ compiler (for torch.compile) and `pip install torch transformers onnx onnxruntime` beside
kerasbert.
"""

import argparse
import math
import os
import random
import statistics
import sys
import tempfile
import time
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peers import BUILD, LOAD, Model
from worker import Worker, answer_requests, apart, peak_memory

# The largest difference of a probability from Transformers' in float32.
TOLERANCE = {"float32": 1e-4, "compile": 1e-4, "max": 1e-4, "fit": 1e-4, "bfloat16": 0.05, "int8": 0.1}
NAMES = [
    *(
        "transformers-float32",
        "transformers-bfloat16",
        "transformers-compile",
        "kerashub-max",
        "kerashub-fit",
    ),
    *("onnx-float32", "onnx-int8", "kerasbert-float32", "kerasbert-bfloat16", "kerasbert-int8"),
]
REFERENCE = "transformers-float32"


@dataclass
class Texts:
    """The texts of a file that all contenders get."""

    name: str
    texts: list[str]
    longest: int  # tokens of the longest

    def requests(self, size: int) -> list[list[str]]:
        """Returns batches of `size` texts."""
        return [self.texts[start : start + size] for start in range(0, len(self.texts) - size + 1, size)]


@dataclass
class Contender:
    """A process that answers; what it needed to be ready."""

    worker: Worker
    load: float  # seconds
    memory: float = 0.0  # MiB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("files", nargs="+", metavar="FILE:TEXT_COLUMN")
    parser.add_argument("--run", type=Path)
    parser.add_argument("--sizes", default="4,512,8,2048", help="layers, width, heads, feed-forward width")
    parser.add_argument("--vocabulary", type=Path, default=Path("../shared/data/vocab/vocab.txt"))
    parser.add_argument("--texts", type=int, default=128, help="of each file")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch-sizes", default="1,8,32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--only", nargs="+", choices=NAMES, help="these contenders; default: all that there are"
    )
    parser.add_argument("--growth", action="store_true")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.threads])
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[name] = str(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "TORCHINDUCTOR_CACHE_DIR": f"{folder}/inductor"}
        model, files = apart(prepare, Path(folder), arguments)
        (growth if arguments.growth else compare)(Path(folder), model, files, arguments)


def prepare(folder: Path, arguments: argparse.Namespace) -> tuple[Model, list[Texts]]:
    """Writes the run as a Hugging Face folder; reads the texts."""
    import tensorflow as tf

    from kerasbert.checkpoints import RunDirectory, export_run
    from kerasbert.data import Columns
    from kerasbert.data.read import read_rows

    run = arguments.run.resolve() if arguments.run else save_untrained(folder / "untrained", arguments)
    (folder / "run").symlink_to(run)
    for note in export_run(run, folder / "hf"):  # refuses another head.pooling than cls
        print(note, file=sys.stderr)
    classifier = RunDirectory(run).load()
    if classifier.takes_pairs or classifier.task.label_separator is not None:
        raise SystemExit(f"{run}: must be a run of one text to one label.")
    files = []
    for name in arguments.files:
        path, _, column = name.rpartition(":")
        texts = [row.text for row in read_rows(path, Columns(text=column, label=None))]
        texts = random.Random(0).sample(texts, min(arguments.texts, len(texts)))
        tokens = classifier.text_graph.tokenize(tf.constant(texts)).row_lengths() + 2
        longest = min(int(tf.reduce_max(tokens)), classifier.text_graph.max_length)
        files.append(Texts(path, texts, longest))
        mean = tf.reduce_mean(tf.minimum(tokens, classifier.text_graph.max_length))
        print(f"{path}: {len(texts)} texts of {mean} tokens in the mean, {longest} at most", file=sys.stderr)
    config = classifier.config
    heads, width = config.backbone.num_heads, config.backbone.hidden_dim
    return Model(list(classifier.labels), config.training.max_length, heads, width), files


def save_untrained(path: Path, arguments: argparse.Namespace) -> Path:
    """Writes a run with random weights; returns `path`."""
    import keras

    from kerasbert.checkpoints import RunDirectory
    from kerasbert.config import ResolvedConfig
    from kerasbert.models import TextClassifier
    from kerasbert.tasks import get_task
    from kerasbert.text import WordPieceVocabulary

    sizes = ("num_layers", "hidden_dim", "num_heads", "intermediate_dim")
    backbone = dict(zip(sizes, map(int, arguments.sizes.split(",")), strict=True))
    chosen = {
        "run_dir": str(path),
        "backbone": {**backbone, "max_positions": 512, "activation": "gelu"},
        "training": {"max_length": 512, "monitor": "macro_f1"},
    }
    config = ResolvedConfig.model_validate(chosen)
    keras.utils.set_random_seed(0)
    task, vocabulary = get_task(config.task)(["a", "b"], {}), WordPieceVocabulary.load(arguments.vocabulary)
    classifier, run = TextClassifier(config, task, vocabulary), RunDirectory(path)
    for weight in classifier.model.weights:
        if weight.name in ("bias", "beta", "gamma"):  # TensorFlow leaves out what adds 0 or multiplies by 1
            weight.assign_add(keras.random.normal(weight.shape, stddev=0.02))
    head = classifier.model.head.get_layer("logits")
    head.kernel.assign(head.kernel * 5.0)  # so that a difference between the contenders would show
    run.create()
    run.save_setup(config, vocabulary, task.labels)
    run.save_weights(classifier.model, vocabulary, task.labels)
    run.save_metrics({})
    return path


def start(
    folder: Path, model: Model, files: list[Texts], arguments: argparse.Namespace, names: list[str]
) -> dict[tuple[str, int], Contender]:
    """Builds and loads contenders, by name and the length that KerasHub's pads to, else 0."""
    contenders = {}
    for key in dict.fromkeys(key_of(name, model, texts) for name in names for texts in files):
        name, length = key
        if name == "kerashub-fit" and length == model.max_length:
            continue  # the same as kerashub-max
        side, _, variant = name.partition("-")
        place = folder / f"{name}-{length}"
        try:
            if side in BUILD:
                print(f"building {name}", file=sys.stderr)
                apart(BUILD[side], folder, place, variant, model, length)
            begin = time.perf_counter()
            worker = Worker(__file__, ["--contender", name, str(folder), str(place)])
            worker.ask({"requests": [files[0].texts[:1]]})
        except (Exception, SystemExit) as error:
            if arguments.only:
                raise
            print(f"LEFT OUT: {name}: {error}", file=sys.stderr)
            continue
        contenders[key] = Contender(worker, time.perf_counter() - begin)
    return contenders


def key_of(name: str, model: Model, texts: Texts) -> tuple[str, int]:
    """Returns the key of the contender that answers the texts of a file."""
    length = {"kerashub-max": model.max_length, "kerashub-fit": texts.longest}.get(name, 0)
    return name, length


def compare(folder: Path, model: Model, files: list[Texts], arguments: argparse.Namespace) -> None:
    """Lets all contenders answer the same requests in turns."""
    names = arguments.only or NAMES
    contenders = start(folder, model, files, arguments, names)
    print(
        f"{arguments.threads} threads; load of the machine now {os.getloadavg()[0]:.1f}. "
        f"Differences from {REFERENCE if REFERENCE in names else names[0]}, the largest:\n"
    )
    check(contenders, model, files, names)
    sizes = [int(size) for size in arguments.batch_sizes.split(",")]
    for texts in files:
        rows = {name: contenders.get(key_of(name, model, texts)) for name in names}
        there = {name: contender for name, contender in rows.items() if contender}
        seconds = {size: take_turns(there, texts.requests(size), arguments.rounds) for size in sizes}
        show_speeds(texts, seconds)
    print("\n| | peak memory, MiB | load, s |\n| --- | ---: | ---: |")
    for (name, length), contender in contenders.items():
        memory = contender.worker.ask({"requests": []})["memory"]
        print(f"| {name}{f' ({length})' * bool(length)} | {memory:,.0f} | {contender.load:.1f} |")
        contender.worker.end()


def check(
    contenders: dict[tuple[str, int], Contender], model: Model, files: list[Texts], names: list[str]
) -> None:
    """Shows how far the contenders' probabilities differ; ends the program where it is too far."""
    print("| | probability | tolerance | labels that differ |\n| --- | ---: | ---: | ---: |")
    reference, too_far = REFERENCE if REFERENCE in names else names[0], []
    for name in names:
        worst, others, count = 0.0, 0, 0
        for texts in files:
            ours, theirs = (contenders.get(key_of(of, model, texts)) for of in (name, reference))
            if not ours or not theirs:
                continue
            for request in texts.requests(min(8, len(texts.texts))):
                if "kerashub" in name:  # its tokenizer reads full-width punctuation as ASCII
                    request = [unicodedata.normalize("NFKC", text) for text in request]
                answers = (part.worker.ask({"check": request})["probabilities"] for part in (ours, theirs))
                for one, other in zip(*answers, strict=True):
                    worst = max([worst, *(abs(a - b) for a, b in zip(one, other, strict=True))])
                    others += one.index(max(one)) != other.index(max(other))
                    count += 1
        if count:
            tolerance = TOLERANCE[name.partition("-")[2]]
            print(f"| {name} | {worst:.2g} | {tolerance:g} | {others} of {count} |", flush=True)
            too_far += [name] * (worst > tolerance)
    if too_far:
        raise SystemExit(f"too far from {reference}: {', '.join(too_far)}")


def take_turns(
    contenders: dict[str, Contender], requests: list[list[str]], rounds: int
) -> dict[str, list[float]]:
    """Returns the seconds of each request, for each contender."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds + 1):
        for name, contender in contenders.items():
            # The first one waits for caches, and for the threads of the one before, which still spin.
            done = contender.worker.ask({"requests": [requests[0], *requests]})["seconds"][1:]
            if turn:  # the first one traces and allocates
                seconds[name] += done
    return seconds


def show_speeds(texts: Texts, seconds: dict[int, dict[str, list[float]]]) -> None:
    """Prints the table of a file."""
    print(f"\n{texts.name}, {texts.longest} tokens at most. Times in ms; `x` is the median over the least of")
    counts = [f"{len(next(iter(of.values())))} of {size}" for size, of in seconds.items()]
    print(f"kerasbert's. Requests: {', '.join(counts)} texts.\n")
    titles = [f"{size}: {what}" for size in seconds for what in ("p50", "p99", "x", "texts/s")]
    print(f"| | {' | '.join(titles)} |\n| --- |{' ---: |' * len(titles)}")
    medians = {
        size: {name: statistics.median(all_) for name, all_ in of.items()} for size, of in seconds.items()
    }
    for name in next(iter(seconds.values())):
        cells = [name]
        for size, of in seconds.items():
            best = min(
                (s for other, s in medians[size].items() if "kerasbert" in other), default=float("nan")
            )
            median, last = medians[size][name], percentile(of[name], 99)
            rate = size * len(of[name]) / sum(of[name])
            cells += [f"{median * 1e3:.1f}", f"{last * 1e3:.1f}", f"{median / best:.2f}", f"{rate:,.0f}"]
        print(f"| {' | '.join(cells)} |", flush=True)


def percentile(values: list[float], percent: int) -> float:
    """Returns a percentile of `values`, by the nearest rank."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


def growth(folder: Path, model: Model, files: list[Texts], arguments: argparse.Namespace) -> None:
    """Shows the time of batches of one longest row and different numbers of real tokens."""
    names, rows, short = ["kerasbert-float32", "transformers-float32"], 32, 8
    arguments.only, longest = names, min(256, model.max_length)
    contenders = {
        name: contender for (name, _), contender in start(folder, model, files, arguments, names).items()
    }
    print(
        f"{rows} rows, the longest of {longest} tokens, the others of {short}; {arguments.threads} threads.\n"
    )
    print(
        "| long rows | real tokens | share of padding |", *(f"{name}, ms | of the last |" for name in names)
    )
    print("|" + " ---: |" * (3 + 2 * len(names)))
    times = {}
    for many in (1, 4, 8, 16, 32):
        # Each character is a token, beside [CLS] and [SEP].
        request = ["好" * (longest - 2)] * many + ["好" * (short - 2)] * (rows - many)
        times[many] = take_turns(contenders, [request], arguments.rounds)
    for many, seconds in times.items():
        real = many * longest + (rows - many) * short
        medians = {name: statistics.median(seconds[name]) for name in names}
        ratios = {name: medians[name] / statistics.median(times[rows][name]) for name in names}
        cells = (f"{medians[name] * 1e3:.1f} | {ratios[name]:.0%} |" for name in names)
        print(f"| {many} | {real:,} | {1 - real / rows / longest:.0%} |", *cells)
    for contender in contenders.values():
        contender.worker.end()


def work(name: str, folder: str, place: str) -> None:
    """Answers requests as the contender `name`."""
    side, _, variant = name.partition("-")
    classify, probabilities = LOAD[side](Path(folder), Path(place), variant)

    def answer(what: dict[str, Any]) -> dict[str, Any]:
        if "check" in what:
            return {"probabilities": probabilities(what["check"])}
        seconds = []
        for request in what["requests"]:
            begin = time.perf_counter()
            classify(request)
            seconds.append(time.perf_counter() - begin)
        return {"seconds": seconds, "memory": peak_memory()}

    answer_requests(answer)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--contender"]:
        work(*sys.argv[2:])
    else:
        main()
