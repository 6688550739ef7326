"""What gpu.py measures, each case in a process of its own."""

import importlib.util
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Layers, width, heads, feed-forward width.
SIZES = {"bert-base": (12, 768, 12, 3072), "bundled": (2, 192, 3, 768), "tiny": (2, 32, 2, 64)}
SPECIAL = 5  # tokens before the first character
FIRST_CHARACTER, CHARACTERS = 0x4E00, 20_000
LABELS, PASSES = 8, 3


@dataclass(frozen=True)
class Case:
    """One measurement."""

    what: str
    model: str
    length: int
    precision: str = "bfloat16"
    vocabulary: int = 21_128  # tokens
    xla: bool = False
    full: bool = False

    @property
    def name(self) -> str:
        """Of the case, in the output."""
        parts = [self.what, self.model, str(self.length), self.precision, f"vocabulary {self.vocabulary}"]
        return " ".join([*parts, *["full"] * self.full, *["xla"] * self.xla])

    @property
    def rows(self) -> int:
        """Of a batch in training."""
        return max((64 if self.model == "tiny" else 16_384) // self.length, 2)

    @property
    def batches(self) -> int:
        """Of a pass."""
        return 4 if self.model == "tiny" else 24


def work(case: Case) -> dict[str, Any]:
    """Measures a case, in the process that is its own."""
    missing = [name for name in ("torch", "transformers") if not importlib.util.find_spec(name)]
    if case.what.startswith("peer") and missing:
        raise SystemExit(f"left out: needs pip install {' '.join(missing)}")
    measure: dict[str, Callable[[Case], dict[str, Any]]] = {
        "matmul": matmul,
        "train": train,
        "serve": serve,
        "peer train": peer_train,
        "peer serve": peer_serve,
    }
    return measure[case.what](case)


def lengths_of(case: Case, count: int) -> Any:
    """Returns the number of tokens of each row, int [count]."""
    import numpy as np

    random = np.random.default_rng(0)
    return random.integers(case.length if case.full else case.length // 4, case.length + 1, count)


def characters(case: Case, lengths: Any) -> list[Any]:
    """Returns random characters for each row, as ids without special tokens."""
    import numpy as np

    random, most = np.random.default_rng(1), min(case.vocabulary - SPECIAL, CHARACTERS)
    return [random.integers(SPECIAL, SPECIAL + most, length - 2).astype(np.int32) for length in lengths]


def speeds(case: Case, seconds: float, lengths: Any, passes: int) -> dict[str, float]:
    """Returns the rates of `seconds` for rows of `lengths`; `passes` is 3 with gradients, else 1."""
    layers, width, _, intermediate = SIZES[case.model]
    per_token = 2 * (4 * width * width + 2 * width * intermediate)
    work = layers * sum(length * per_token + 4 * length * length * width for length in map(int, lengths))
    return {
        "sequences_per_second": round(len(lengths) / seconds, 1),
        "tokens_per_second": round(int(sum(lengths)) / seconds, 1),
        "operations_per_second": float(passes * work / seconds),
    }


def matmul(case: Case) -> dict[str, Any]:
    """Describes the device, and measures a large matrix product in both precisions."""
    import tensorflow as tf

    size, gpus = 256 if case.model == "tiny" else 8192, tf.config.list_physical_devices("GPU")
    details = tf.config.experimental.get_device_details(gpus[0]) if gpus else {}
    tflops = {}
    for precision in ("bfloat16", "float32"):
        a = product = tf.ones([size, size], precision)
        times = []
        for _ in range(10):
            start = time.perf_counter()
            for _ in range(10):
                product = tf.matmul(a, a)
            product[0, 0].numpy()
            times.append((time.perf_counter() - start) / 10)
        tflops[precision] = round(2 * size**3 / min(times) / 1e12, 3)
    return {
        "device": details.get("device_name", "CPU"),
        "compute_capability": details.get("compute_capability"),
        "tensorflow": tf.__version__,
        "cores": os.cpu_count(),
        "tflops": tflops,
    }


def build(case: Case) -> Any:
    """Returns a classifier with random weights, and its vocabulary of characters and words."""
    import keras

    from kerasbert.config import ResolvedConfig
    from kerasbert.models import TextClassifier
    from kerasbert.tasks import get_task
    from kerasbert.text import SPECIAL_TOKENS, WordPieceVocabulary

    names = ("num_layers", "hidden_dim", "num_heads", "intermediate_dim")
    backbone = dict(zip(names, SIZES[case.model], strict=True))
    training = {
        "max_length": case.length,
        "precision": "float32" if case.precision == "float32" else "mixed_bfloat16",
        "batch_size": case.rows,
        "jit_compile": case.xla,
        "monitor": "macro_f1",
    }
    config = ResolvedConfig.model_validate(
        {
            "run_dir": "none",
            "backbone": {**backbone, "max_positions": 512, "activation": "gelu"},
            "training": training,
        }
    )
    characters = min(case.vocabulary - SPECIAL, CHARACTERS)
    tokens = [*SPECIAL_TOKENS, *(chr(FIRST_CHARACTER + number) for number in range(characters))]
    tokens += [f"w{number}" for number in range(case.vocabulary - len(tokens))]
    keras.utils.set_random_seed(0)
    task = get_task(config.task)([str(label) for label in range(LABELS)], {})
    return TextClassifier(config, task, WordPieceVocabulary(tokens))


def train(case: Case) -> dict[str, Any]:
    """Trains as `kerasbert train` does."""
    import numpy as np
    import tensorflow as tf

    from kerasbert.data import Plan
    from kerasbert.data.batches import Examples, TokenizedRows, training_batches
    from kerasbert.data.fixed_shapes import fixed_shapes
    from kerasbert.engine.optimizer import build_optimizer
    from kerasbert.engine.schedule import build_schedule
    from kerasbert.engine.strategy import distribute
    from kerasbert.engine.trainer import Totals, Trainer
    from kerasbert.training.objective import build_objective

    classifier, strategy = build(case), tf.distribute.get_strategy()
    config, model = classifier.config, classifier.model
    schedule = build_schedule(config.training, case.batches * (PASSES + 1))
    optimizer = build_optimizer(config.training, schedule)
    objective = build_objective(model, classifier.task, config)
    trainer = Trainer(model, optimizer, objective, strategy, jit_compile=case.xla)
    lengths = lengths_of(case, case.rows * case.batches)
    ids = tf.ragged.stack([tf.constant(row) for row in characters(case, lengths)])
    targets = np.eye(LABELS, dtype=np.float32)[np.arange(len(lengths)) % LABELS]
    examples = Examples(TokenizedRows(ids, None, lengths), targets, np.ones(len(lengths), np.float32))
    plan = Plan(lengths, case.rows).epoch(0)
    shapes = fixed_shapes(plan, lengths, case.length) if case.xla else None
    batches = training_batches(examples, plan, classifier.text_graph, shapes=shapes)
    seconds, loss = [], 0.0
    for _ in range(PASSES + 1):
        iterator, totals = distribute(strategy, batches), Totals()
        start = time.perf_counter()
        for _ in range(len(plan)):
            totals.add(trainer.step(iterator))
        loss = totals.means()["loss"]  # waits for the last
        seconds.append(time.perf_counter() - start)
    rates = speeds(case, statistics.median(seconds[1:]), lengths, passes=3)
    return {**rates, "first_pass_seconds": round(seconds[0], 1), "loss": loss, "memory_mib": memory()}


def memory() -> float | None:
    """Returns the most memory that TensorFlow had on the GPU, in MiB; None without one."""
    import tensorflow as tf

    if not tf.config.list_physical_devices("GPU"):
        return None
    return round(tf.config.experimental.get_memory_info("GPU:0")["peak"] / 2**20)


def serve(case: Case) -> dict[str, Any]:
    """Answers strings by the C API, as TensorFlow Serving does, from the graph that is exported."""
    import numpy as np
    import tensorflow as tf

    from kerasbert.export import NativeModel
    from kerasbert.inference import InferenceClassifier
    from kerasbert.native.session import NativeSession

    text = tf.TensorSpec([None], tf.string, name="text")
    with tempfile.TemporaryDirectory() as folder:
        module = InferenceClassifier(build(case), case.precision)
        answer = tf.function(module, input_signature=[text])
        tf.saved_model.save(module, folder, {"serving_default": answer.get_concrete_function()})
        signature = NativeModel(Path(folder)).signatures["serving_default"]
        session = NativeSession(folder)
    feed = signature.inputs["text"].name
    fetches = [signature.outputs[name].name for name in ("label", "score")]

    def classify(rows: list[Any]) -> None:
        texts = ["".join(chr(FIRST_CHARACTER + token - SPECIAL) for token in row).encode() for row in rows]
        session.run({feed: np.array(texts, object)}, fetches)

    return {"requests": requests(case, classify)}


def requests(case: Case, classify: Callable[[list[Any]], None]) -> list[dict[str, float]]:
    """Times requests of several sizes."""
    timed = []
    for size in (1, 2) if case.model == "tiny" else (1, 32, 256):
        lengths = lengths_of(case, size)
        rows, seconds = characters(case, lengths), []
        for _ in range(23):
            start = time.perf_counter()
            classify(rows)
            seconds.append(time.perf_counter() - start)
        median = statistics.median(seconds[3:])
        rates = speeds(case, median, lengths, passes=1)
        timed.append({"batch": size, "milliseconds": round(median * 1e3, 2), **rates})
    return timed


def peer(case: Case) -> Any:
    """Returns Transformers' model of the same sizes, compiled, where it computes."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = True
    layers, width, heads, intermediate = SIZES[case.model]
    config = BertConfig(
        vocab_size=case.vocabulary,
        num_hidden_layers=layers,
        hidden_size=width,
        num_attention_heads=heads,
        intermediate_size=intermediate,
        num_labels=LABELS,
        attn_implementation="sdpa",
    )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = BertForSequenceClassification(config).to(device)
    model.compile(dynamic=True)
    return model


def padded(rows: list[Any], device: Any) -> dict[str, Any]:
    """Returns rows between [CLS] and [SEP], padded to a multiple of eight."""
    import torch

    width = -(-(max(map(len, rows)) + 2) // 8) * 8
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    for line, row in zip(ids, rows, strict=True):
        line[: len(row) + 2] = torch.tensor([2, *row, 3])
    mask = (ids != 0).long()
    return {"input_ids": ids.to(device), "attention_mask": mask.to(device)}


def peer_train(case: Case) -> dict[str, Any]:
    """The training step of Transformers' Trainer on rows grouped by length."""
    import numpy as np
    import torch
    from transformers import get_linear_schedule_with_warmup

    model = peer(case).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, weight_decay=0.01, fused=True)
    schedule = get_linear_schedule_with_warmup(optimizer, 10, case.batches * (PASSES + 1))
    lengths = lengths_of(case, case.rows * case.batches)
    rows, order = characters(case, lengths), np.argsort(lengths, kind="stable").reshape(-1, case.rows)

    def batches() -> Iterator[dict[str, Any]]:
        for batch in np.random.default_rng(0).permutation(order):
            labels = torch.tensor(batch % LABELS).to(model.device)
            yield {**padded([rows[place] for place in batch], model.device), "labels": labels}

    seconds, last = [], 0.0
    for _ in range(PASSES + 1):
        start, loss = time.perf_counter(), torch.zeros(())
        for batch in batches():
            with torch.autocast(model.device.type, torch.bfloat16, enabled=case.precision == "bfloat16"):
                loss = model(**batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        last = loss.item()  # waits for the last
        seconds.append(time.perf_counter() - start)
    rates = speeds(case, statistics.median(seconds[1:]), lengths, passes=3)
    cuda = model.device.type == "cuda"
    peak = round(torch.cuda.max_memory_allocated() / 2**20) if cuda else None
    return {**rates, "first_pass_seconds": round(seconds[0], 1), "loss": last, "memory_mib": peak}


def peer_serve(case: Case) -> dict[str, Any]:
    """Transformers' answers to token ids."""
    import torch

    model = peer(case).eval().to(getattr(torch, case.precision))

    def classify(rows: list[Any]) -> None:
        with torch.inference_mode():
            model(**padded(rows, model.device)).logits.argmax(-1).tolist()

    return {"requests": requests(case, classify)}
