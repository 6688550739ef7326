"""The benchmark of accuracies gives both sides the same: without dropout they learn the same."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "accuracy_vs_transformers.py"
SETTINGS = [
    "data.label_map={}",
    "data.text_column=text",
    "backbone.dropout=0",
    "head.dropout=0",
    "training.epochs=2",
    "training.batch_size=8",
    "training.max_length=16",
    "training.learning_rate=1e-3",
    "training.embedding_rate=2",
    "training.head_rate=5",
    "training.layer_decay=0.8",
    "training.label_smoothing=0.1",
    "training.weight_decay=0.1",
]


def write_rows(file: Path, seed: int) -> Path:
    draw = random.Random(seed)
    lines = []
    for _ in range(42):
        label = draw.choice(["good", "bad"])
        word = {"good": "很好，喜欢", "bad": "太差了"}[label]
        lines.append(f"{''.join(draw.choices('手机酒店早餐衣服', k=draw.randint(1, 20)))}{word}\t{label}\n")
    file.write_text("text\tlabel\n" + "".join(lines), encoding="utf-8")
    return file


@pytest.mark.parametrize("pooling", ["mean_max", "cls"])
def test_without_dropout_both_sides_learn_the_same(random_bert, tmp_path: Path, pooling: str):
    _, source = random_bert("BertModel")
    data = {name: write_rows(tmp_path / f"{name}.tsv", seed) for seed, name in enumerate(["train", "dev"])}
    settings = [
        *SETTINGS,
        f"head.pooling={pooling}",
        f"data.train={data['train']}",
        f"data.validation={data['dev']}",
    ]
    options = [f"--source={source}", "--rows=41", "--seed=3", "--same-epsilon", f"--workdir={tmp_path}"]
    command = [sys.executable, str(BENCHMARK), *options, *(f"--set={setting}" for setting in settings)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (pair,) = map(json.loads, (tmp_path / "results.jsonl").read_text(encoding="utf-8").splitlines())
    ours, theirs = pair["kerasbert"], pair["transformers"]
    assert theirs["rows_with_other_ids"] == {"train": 0, "dev": 0}
    assert (pair["steps"], pair["validation_rows"]) == (12, 42)  # the last batch of an epoch has one row
    assert theirs["losses"] == pytest.approx(ours["losses"], abs=2e-5)
    assert pair["only_kerasbert"] == pair["only_transformers"] == 0
    assert "kerasbert minus Transformers: +0.00 points" in done.stdout
