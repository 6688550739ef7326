"""Accuracy beside Transformers: the same weights, rows, batches and settings, seed by seed.

    python benchmarks/accuracy_vs_transformers.py --source FOLDER [--task sentiment] [--rows N] [--seed N]...
        [--set KEY=VALUE]... [--same-epsilon] [--workdir DIR]

FOLDER is a BERT as a Hugging Face folder, which both sides read; `kerasbert checkpoint import` writes one.
The settings are those of the task's recipe in configs/train that both sides have (`SHARED`), or of `--set`;
what kerasbert has beyond them, such as token dropout, is off, and so is the cleaning of task plugins.

A seed chooses the first weights of the head and which rows are in which batch. Both sides get the same,
and the same learning rate in every step. What differs: each tokenises by itself (rows whose ids differ are
counted), draws its own dropout, and adds AdamW's epsilon where its library does: PyTorch to corrected
moments, TensorFlow before the correction, which makes it count for more in the first steps. With
`--same-epsilon` PyTorch does as TensorFlow; without dropout both sides then have the same losses. The
Transformers side is a plain loop in PyTorch, its batches padded to their longest row. Compared are the
decisions on all validation rows, in float32, after the last step: no epoch is selected.

Prints the accuracies, their paired differences with a t interval over the seeds and McNemar's exact test
for each seed. Each pair is appended to results.jsonl in DIR, and what is in there is not measured again.

Needs `pip install torch transformers` beside kerasbert.
"""

import argparse
import json
import os
import re
import statistics
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from scipy.stats import binomtest, t
from worker import apart

import kerasbert
from kerasbert.config import Config

CONFIGS = Path(__file__).parents[1] / "configs" / "train"
SHARED = {
    "training": (
        "epochs",
        "batch_size",
        "max_length",
        "learning_rate",
        "schedule",
        "warmup_fraction",
        "weight_decay",
        "clip_norm",
        "embedding_rate",
        "head_rate",
        "layer_decay",
        "label_smoothing",
        "precision",
    ),
    "backbone": ("source", "dropout"),
    "head": ("pooling", "dropout"),
}
BATCH = 64  # of predictions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--source", required=True, type=Path, metavar="FOLDER")
    parser.add_argument("--task", default="sentiment", choices=("sentiment", "spam", "news_topic"))
    parser.add_argument("--rows", type=int, help="random ones of the training file; all by default")
    parser.add_argument("--seed", action="append", type=int)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--same-epsilon", action="store_true")
    parser.add_argument("--workdir", type=Path, default=Path("runs") / "accuracy")
    arguments = parser.parse_args()
    require_bert(arguments.source)
    config = shared_config(arguments)
    settings = config.model_dump(include={name: set(keys) for name, keys in SHARED.items()})
    case = {"data": config.data.model_dump(), **settings}
    case |= {name: getattr(arguments, name) for name in ("task", "rows", "same_epsilon")}
    arguments.workdir.mkdir(parents=True, exist_ok=True)
    file = arguments.workdir / "results.jsonl"
    pairs = []
    for seed in arguments.seed or (0, 1, 2):
        found = [pair for pair in results(file) if {**case, "seed": seed}.items() <= pair.items()]
        pairs += found[-1:] or [{**case, "seed": seed, **measure(config, arguments, seed)}]
        if not found:
            with file.open("a", encoding="utf-8") as appended:
                appended.write(json.dumps(pairs[-1]) + "\n")
    print(json.dumps(settings))
    print(summary(pairs))


def require_bert(folder: Path) -> None:
    """Ends the program unless Transformers would read a BERT in `folder`."""
    config = folder / "config.json"
    values = json.loads(config.read_text(encoding="utf-8")) if config.is_file() else {}
    if values.get("model_type") != "bert":
        raise SystemExit(
            f"--source: {folder} is not a Hugging Face folder of a BERT. Write one: kerasbert checkpoint "
            "import SOURCE FOLDER"
        )


def shared_config(arguments: argparse.Namespace) -> Config:
    """Returns the recipe with `--set`, reduced to what both sides have."""
    allowed = {f"{section}.{key}" for section, keys in SHARED.items() for key in keys} - {"backbone.source"}
    for setting in arguments.set:
        key = setting.split("=")[0]
        if key not in allowed and not key.startswith("data."):
            raise SystemExit(f"--set: {key} is not a setting of both sides. Those are {', '.join(allowed)}.")
    overrides = ["task=classification", *arguments.set]
    recipe = kerasbert.load_config(CONFIGS / f"{arguments.task}.yaml", overrides).model_dump()
    recipe["backbone"]["source"] = str(arguments.source)
    if recipe["training"]["precision"] == "mixed_float16":
        raise SystemExit("--set: training.precision must be float32 or mixed_bfloat16.")
    sections = {name: {key: recipe[name][key] for key in keys} for name, keys in SHARED.items()}
    return Config.model_validate({"data": recipe["data"], **sections})


def results(file: Path) -> list[dict[str, Any]]:
    """Returns what was measured."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return [json.loads(line) for line in lines]


def measure(config: Config, arguments: argparse.Namespace, seed: int) -> dict[str, Any]:
    """Trains both sides, each in a process of its own, and compares their decisions."""
    given, ours = apart(kerasbert_side, config, arguments.rows, seed)
    show(f"seed {seed}, kerasbert", ours)
    theirs = apart(transformers_side, given, seed, arguments.same_epsilon)
    show(f"seed {seed}, Transformers", theirs)
    right = [
        [decided == label for decided, label in zip(side.pop("decided"), given["labels"]["dev"], strict=True)]
        for side in (ours, theirs)
    ]
    return {
        "kerasbert": {"accuracy": statistics.mean(right[0]), **ours},
        "transformers": {"accuracy": statistics.mean(right[1]), **theirs},
        "only_kerasbert": sum(mine and not other for mine, other in zip(*right, strict=True)),
        "only_transformers": sum(other and not mine for mine, other in zip(*right, strict=True)),
        "validation_rows": len(right[0]),
        "steps": len(given["batches"]),
    }


def show(name: str, side: dict[str, Any]) -> None:
    print(f"{name}: mean loss of each epoch", *(f"{loss:.4f}" for loss in side["losses"]), flush=True)


def kerasbert_side(config: Config, rows: int | None, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns what the other side is given, and the losses and decisions of this one."""
    import keras
    import numpy as np
    import tensorflow as tf
    from transfer import sample

    from kerasbert.data import Plan
    from kerasbert.data.batches import Examples, slices, tokenize_rows, training_batches
    from kerasbert.engine.optimizer import build_optimizer
    from kerasbert.engine.schedule import build_schedule
    from kerasbert.engine.strategy import distribute
    from kerasbert.engine.trainer import Totals, Trainer
    from kerasbert.models import TextClassifier, build_backbone, build_model, build_text_graph
    from kerasbert.training import prepare
    from kerasbert.training.objective import build_objective
    from kerasbert.training.rates import rate_of

    with tempfile.TemporaryDirectory() as folder:
        if rows:
            part = Path(folder) / Path(config.data.train[0]).name
            sample(config.data.train[0], part, rows, seed=0)
            config.data.train = [str(part)]
        prepared = prepare(config)
    resolved, task, vocabulary = prepared.config, prepared.task, prepared.vocabulary
    settings = resolved.training
    graph = build_text_graph(resolved, task, vocabulary)
    both = {"train": prepared.train, "dev": prepared.validation}
    tokens = {name: tokenize_rows(rows, graph) for name, rows in both.items()}
    plan = Plan(tokens["train"].packed_lengths(graph), settings.batch_size, seed)
    batches = np.concatenate([plan.epoch(epoch) for epoch in range(settings.epochs)])
    schedule = build_schedule(settings, len(batches))

    keras.utils.set_random_seed(seed)
    assert prepared.source
    backbone = build_backbone(resolved.backbone, len(vocabulary), settings.precision)
    prepared.source.copy_to(backbone)
    model = build_model(backbone, task, resolved.head)
    labels = {name: [task.labels.index(row[0]) for row in rows.labels] for name, rows in both.items()}
    given = {
        "config": resolved.model_dump(),
        "texts": {name: rows.texts for name, rows in both.items()},
        "ids": {
            name: [[vocabulary.cls, *row, vocabulary.sep] for row in rows.ids.to_list()]
            for name, rows in tokens.items()
        },
        "labels": labels,
        "batches": [batch[batch >= 0].tolist() for batch in batches],
        "rates": [float(schedule(step)) for step in range(len(batches))],
        "head": [weight.tolist() for weight in model.head.get_layer("logits").get_weights()],
    }

    optimizer = build_optimizer(settings, schedule, rate_of(settings, backbone.num_layers))
    strategy = tf.distribute.get_strategy()
    trainer = Trainer(model, optimizer, build_objective(model, task, resolved), strategy)
    targets, weights = task.targets(prepared.train.labels), np.ones(len(prepared.train), np.float32)
    examples = Examples(tokens["train"], targets, weights)
    iterator = distribute(strategy, training_batches(examples, batches, graph))
    losses = []
    for _ in range(settings.epochs):
        totals = Totals()
        for _ in range(plan.steps):
            totals.add(trainer.step(iterator))
        losses.append(totals.means()["loss"])

    classifier = TextClassifier(resolved, task, vocabulary)  # in float32, as a finished run is
    classifier.model.set_weights(model.get_weights())
    texts = prepared.validation.texts
    answers = [classifier.predict(texts[part])["label_id"] for part in slices(len(texts), BATCH)]
    return given, {"losses": losses, "decided": np.concatenate(answers).tolist()}


def transformers_side(given: dict[str, Any], seed: int, same_epsilon: bool) -> dict[str, Any]:
    """Returns the losses and decisions of a plain loop in PyTorch, and in how many rows ids differ."""
    import torch
    from transformers import AutoModel, AutoTokenizer, logging

    logging.set_verbosity_error()  # it would say that heads of pre-training stay behind
    logging.disable_progress_bar()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    torch.manual_seed(seed)
    training, backbone, head_settings = (given["config"][name] for name in ("training", "backbone", "head"))
    tokenizer = AutoTokenizer.from_pretrained(backbone["source"])
    length = training["max_length"]
    ids = {
        name: tokenizer(texts, truncation=True, max_length=length)["input_ids"]
        for name, texts in given["texts"].items()
    }
    differing = {
        name: sum(mine != other for mine, other in zip(rows, given["ids"][name], strict=True))
        for name, rows in ids.items()
    }
    encoder = AutoModel.from_pretrained(
        backbone["source"],
        dtype=torch.float32,
        hidden_dropout_prob=backbone["dropout"],
        attention_probs_dropout_prob=backbone["dropout"],
    )
    kernel, bias = map(torch.tensor, given["head"])
    head = torch.nn.Linear(*kernel.shape)
    with torch.no_grad():
        head.weight.copy_(kernel.T)
        head.bias.copy_(bias)
    model = torch.nn.ModuleDict(
        {"encoder": encoder, "dropout": torch.nn.Dropout(head_settings["dropout"]), "head": head}
    )
    mixed = training["precision"] == "mixed_bfloat16"

    def logits(rows: list[list[int]]) -> torch.Tensor:
        batch = tokenizer.pad({"input_ids": rows}, return_tensors="pt")
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed and model.training):
            encoded = encoder(**batch)
        return head(model["dropout"](pool(encoded, batch["attention_mask"], head_settings["pooling"])))

    groups = defaultdict(list)
    for name, weight in model.named_parameters():
        decay = 0.0 if re.search(r"bias$|LayerNorm", name) else training["weight_decay"]
        groups[rate(name, training, encoder.config.num_hidden_layers), decay].append(weight)
    optimizer = torch.optim.AdamW(
        [{"params": of, "multiple": by, "weight_decay": decay} for (by, decay), of in groups.items()],
        betas=(0.9, 0.999),
        eps=1e-6,
        fused=True,
    )
    model.train()
    labels, of_steps = given["labels"]["train"], []
    for step, (batch, learning_rate) in enumerate(zip(given["batches"], given["rates"], strict=True), 1):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * group["multiple"]
            if same_epsilon:
                group["eps"] = 1e-6 / (1 - 0.999**step) ** 0.5
        loss = torch.nn.functional.cross_entropy(
            logits([ids["train"][row] for row in batch]),
            torch.tensor([labels[row] for row in batch]),
            label_smoothing=training["label_smoothing"],
        )
        loss.backward()
        if training["clip_norm"]:
            torch.nn.utils.clip_grad_norm_(model.parameters(), training["clip_norm"])
        optimizer.step()
        optimizer.zero_grad()
        of_steps.append(loss.item())

    model.eval()
    decided = [0] * len(ids["dev"])
    order = sorted(range(len(decided)), key=lambda row: len(ids["dev"][row]))
    with torch.no_grad():
        for start in range(0, len(order), BATCH):
            part = order[start : start + BATCH]
            for row, label in zip(part, logits([ids["dev"][row] for row in part]).argmax(1), strict=True):
                decided[row] = int(label)
    steps = len(of_steps) // training["epochs"]
    losses = [statistics.mean(of_steps[start : start + steps]) for start in range(0, len(of_steps), steps)]
    return {"losses": losses, "decided": decided, "rows_with_other_ids": differing}


def pool(encoded: Any, mask: Any, pooling: str) -> Any:
    """Returns what the head reads, as `kerasbert.tasks.head.pool` does."""
    import torch

    if pooling == "cls":
        return encoded.pooler_output.float()
    tokens, real = encoded.last_hidden_state.float(), mask.unsqueeze(-1)
    mean = (tokens * real).sum(1) / real.sum(1)
    highest = tokens.masked_fill(real == 0, float("-inf")).amax(1)
    return {"mean": mean, "max": highest, "mean_max": torch.cat([mean, highest], -1)}[pooling]


def rate(name: str, training: dict[str, Any], layers: int) -> float:
    """Returns the learning rate of a weight as a multiple, as `kerasbert.training.rates` does."""
    if name.startswith("head."):
        return training["head_rate"]
    layer = re.search(r"\.layer\.(\d+)\.", name)
    depth = int(layer[1]) + 1 if layer else 0 if ".embeddings." in name else layers + 1
    table = training["embedding_rate"] if "_embeddings." in name else 1.0
    return table * training["layer_decay"] ** (layers + 1 - depth)


def summary(pairs: list[dict[str, Any]]) -> str:
    """Returns a table with a line for each seed, and the mean difference below it."""
    lines = [
        "| seed | kerasbert | Transformers | difference | only kerasbert right | only Transformers right | "
        "McNemar p |",
        "| --- " * 7 + "|",
    ]
    differences = []
    for pair in pairs:
        ours, theirs = (pair[side]["accuracy"] for side in ("kerasbert", "transformers"))
        differences.append(100 * (ours - theirs))
        only = [pair["only_kerasbert"], pair["only_transformers"]]
        p = binomtest(only[0], sum(only)).pvalue if sum(only) else 1.0
        cells = (pair["seed"], f"{ours:.4f}", f"{theirs:.4f}", f"{differences[-1]:+.2f}", *only, f"{p:.3f}")
        lines.append(f"| {' | '.join(map(str, cells))} |")
    mean, count = statistics.mean(differences), len(differences)
    lines.append(f"kerasbert minus Transformers: {mean:+.2f} points")
    if count > 1:
        half = t.ppf(0.975, count - 1) * statistics.stdev(differences) / count**0.5
        lines[-1] += f", 95 % interval {mean - half:+.2f} to {mean + half:+.2f} (t, {count} seeds)"
    first = pairs[0]
    other = first["transformers"]["rows_with_other_ids"]
    lines.append(
        f"{first['steps']} steps; {first['validation_rows']:,} validation rows; rows with other ids in "
        f"Transformers: {other['train']} for training, {other['dev']} for validation"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
