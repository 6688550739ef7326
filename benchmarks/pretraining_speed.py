"""Tokens per second of `kerasbert pretrain` beside the loop of Transformers' run_mlm.

    python benchmarks/pretraining_speed.py CORPUS [--config CONFIG] [--rounds 3] [--steps 40]

Both sides train the encoder of the configuration on the same examples of the corpus, in float32 and with the
same batch size, each in a process of its own, one after the other in turns. kerasbert reads its shards, masks
whole words and learns next sentence prediction beside the masked LM. Transformers gets the examples as lists,
masks single tokens in its own collator and has no second head. Counted are real tokens, padding aside, after
the first steps. Needs `pip install torch transformers` beside kerasbert.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

    from kerasbert.pretraining import PreparedPretraining

WARM_UP = 10
BATCH = 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("corpus")
    parser.add_argument("--config", default="configs/pretrain/tiny.yaml")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--side", choices=list(SIDES), help=argparse.SUPPRESS)
    parser.add_argument("--examples", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        print(json.dumps(SIDES[arguments.side](arguments)))
        return
    speeds: dict[str, list[float]] = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory() as workdir:
        arguments.examples = Path(workdir) / "examples.json"
        for _ in range(arguments.rounds):
            for side, of_side in speeds.items():
                of_side.append(run(side, arguments))
                print(f"{side}: {of_side[-1]:,.0f} tokens/s", file=sys.stderr)
    medians = {side: statistics.median(of_side) for side, of_side in speeds.items()}
    for side, median in medians.items():
        print(f"{side:<14}{median:>10,.0f} tokens/s (median of {arguments.rounds})")
    print(f"ratio         {medians['kerasbert'] / medians['transformers']:>10.2f}")


def run(side: str, arguments: argparse.Namespace) -> float:
    """Measures one side in a process of its own."""
    command = [sys.executable, __file__, arguments.corpus, "--side", side, "--config", arguments.config]
    command += ["--steps", str(arguments.steps), "--examples", str(arguments.examples)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(output.splitlines()[-1])


def kerasbert(arguments: argparse.Namespace) -> float:
    """The command's own training, without its first steps; leaves its examples for the other side."""
    import tensorflow as tf

    from kerasbert.config import PretrainingConfig, parse_config, read_yaml
    from kerasbert.engine.optimizer import build_optimizer
    from kerasbert.engine.schedule import build_schedule
    from kerasbert.engine.strategy import choose_strategy, distribute
    from kerasbert.engine.trainer import Trainer
    from kerasbert.models import build_backbone, build_pretraining_model
    from kerasbert.pretraining import prepare_pretraining
    from kerasbert.pretraining.batches import training_batches
    from kerasbert.pretraining.objective import pretraining_objective

    values = read_yaml(Path(arguments.config))
    steps = WARM_UP + arguments.steps
    values = {key: values[key] for key in ("backbone", "training")}  # of a student, too
    values["phases"] = [{"corpus": arguments.corpus, "steps": steps, "batch_size": BATCH}]
    values["training"] = {**values["training"], "precision": "float32"}
    config = parse_config(PretrainingConfig, values, where=arguments.config)
    prepared = prepare_pretraining(config)
    batches = training_batches(prepared.corpora[0], prepared.config, BATCH, 0, 0).take(steps)
    if not arguments.examples.is_file():
        save_examples(prepared, batches, arguments.examples)
    backbone = build_backbone(prepared.config.backbone, len(prepared.vocabulary))
    model = build_pretraining_model(backbone, prepared.config.backbone, config.nsp)
    optimizer = build_optimizer(config.training, build_schedule(config.training, steps))
    strategy = choose_strategy(config.training)
    trainer = Trainer(model, optimizer, pretraining_objective(model), strategy)
    counted = batches.skip(WARM_UP).map(lambda inputs, *_: tf.reduce_sum(inputs["padding_mask"]))
    tokens = sum(int(count) for count in counted)
    iterator = distribute(strategy, batches)
    start = 0.0
    for step in range(steps):
        if step == WARM_UP:
            start = time.perf_counter()
        trainer.step(iterator)
    return tokens / (time.perf_counter() - start)


def save_examples(prepared: "PreparedPretraining", batches: "tf.data.Dataset", path: Path) -> None:
    """Writes the unmasked rows of the batches, the vocabulary and the sizes."""
    rows = []
    for inputs, targets, weights in batches:
        arrays = {name: value.numpy() for name, value in inputs.items()}
        labels, real = targets["mlm"].numpy(), weights["mlm"].numpy() > 0
        for row, ids in enumerate(arrays["token_ids"]):
            ids[arrays["mask_positions"][row][real[row]]] = labels[row][real[row]]
            length = int(arrays["padding_mask"][row].sum())
            segments = arrays["segment_ids"][row][:length].tolist()
            rows.append({"input_ids": ids[:length].tolist(), "token_type_ids": segments})
    backbone = prepared.config.backbone.model_dump()
    vocabulary = str(prepared.corpora[0].path / "vocab.txt")
    path.write_text(json.dumps({"rows": rows, "backbone": backbone, "vocabulary": vocabulary}))


def transformers(arguments: argparse.Namespace) -> float:
    """The loop of run_mlm: its collator, BertForMaskedLM, AdamW, clipping, a linear schedule."""
    import torch
    from transformers import (
        BertConfig,
        BertForMaskedLM,
        BertTokenizer,
        DataCollatorForLanguageModeling,
        get_linear_schedule_with_warmup,
    )

    torch.set_num_threads(2)
    saved = json.loads(arguments.examples.read_text())
    sizes = saved["backbone"]
    tokenizer = BertTokenizer(saved["vocabulary"])
    model = BertForMaskedLM(
        BertConfig(
            vocab_size=len(tokenizer),
            num_hidden_layers=sizes["num_layers"],
            hidden_size=sizes["hidden_dim"],
            num_attention_heads=sizes["num_heads"],
            intermediate_size=sizes["intermediate_dim"],
            hidden_act="gelu" if sizes["activation"] == "gelu" else "gelu_new",
            hidden_dropout_prob=sizes["dropout"],
            attention_probs_dropout_prob=sizes["dropout"],
            max_position_embeddings=sizes["max_positions"],
        )
    ).train()
    steps = len(saved["rows"]) // BATCH
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    schedule = get_linear_schedule_with_warmup(optimizer, WARM_UP, steps)
    loader = torch.utils.data.DataLoader(
        saved["rows"],
        batch_size=BATCH,
        collate_fn=DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.15),
        num_workers=1,
    )
    tokens, start = 0, 0.0
    for step, batch in enumerate(loader):
        if step == WARM_UP:
            start = time.perf_counter()
        if step >= WARM_UP:
            tokens += int(batch["attention_mask"].sum())
        model(**batch).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    return tokens / (time.perf_counter() - start)


SIDES = {"kerasbert": kerasbert, "transformers": transformers}

if __name__ == "__main__":
    main()
