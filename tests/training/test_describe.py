import json
import re
from pathlib import Path

import pytest
import yaml

from kerasbert.models import TextClassifier
from kerasbert.training import describe, prepare
from kerasbert.training.prepare import Prepared


@pytest.fixture
def prepared(tiny_config, tmp_path: Path) -> Prepared:
    rows = [{"text": f"{word}{i}", "label": word} for i in range(9) for word in ("好", "坏")]
    rows.append({"text": "  ", "label": "好"})
    for name in ("train", "validation"):
        lines = "\n".join(json.dumps(row) for row in (rows if name == "train" else rows[:5]))
        (tmp_path / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    data = {name: str(tmp_path / f"{name}.jsonl") for name in ("train", "validation")}
    return prepare(tiny_config(data=data, training={"epochs": 3, "batch_size": 4}))


def line(text: str, name: str) -> str:
    (found,) = re.findall(rf"^{name}: (.*)$", text, re.MULTILINE)
    return found


def test_rows_are_counted(prepared: Prepared):
    text = describe(prepared)
    assert line(text, "train") == "18 rows (好 9, 坏 9); 1 left out"
    assert line(text, "validation") == "5 rows (好 3, 坏 2)"


def test_steps_are_counted(prepared: Prepared):
    assert line(describe(prepared), "steps") == "5 an epoch, 15 in all"


def test_parameters_are_those_of_the_model(prepared: Prepared):
    classifier = TextClassifier(prepared.config, prepared.task, prepared.vocabulary)
    expected = sum(weight.numpy().size for weight in classifier.model.weights)
    assert line(describe(prepared), "parameters") == f"{expected:,}"


def test_the_vocabulary_is_counted(prepared: Prepared):
    assert line(describe(prepared), "vocabulary") == f"{len(prepared.vocabulary)} tokens"


def test_the_configuration_is_complete_and_can_be_read_back(prepared: Prepared):
    text = describe(prepared)
    values = yaml.safe_load(text[: text.index("\ntrain: ")])
    assert values == prepared.config.model_dump()
    assert None not in [values["backbone"][name] for name in ("num_layers", "hidden_dim", "max_positions")]


def test_the_output_is_named(prepared: Prepared):
    assert line(describe(prepared), "output") == prepared.config.run_dir


def test_it_says_beforehand_whether_transformers_can_load_the_model(prepared: Prepared):
    prepared.config.head.pooling = "cls"
    assert line(describe(prepared), "checkpoint export") == "Transformers can load this model"
    prepared.config.head.pooling = "mean_max"
    told = line(describe(prepared), "checkpoint export")
    assert "head.pooling must be cls" in told
    assert "--backbone-only" in told


@pytest.mark.parametrize("key", ["batch_size", "max_length"])
def test_memory_grows_with_the_batch(prepared: Prepared, key: str):
    def memory(value: int) -> int:
        setattr(prepared.config.training, key, value)
        (number,) = re.findall(r"about ([\d,]+) MiB", describe(prepared))
        return int(number.replace(",", ""))

    assert memory(4096) > 2 * memory(1024)


def test_nothing_is_written(prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    describe(prepared)
    assert sorted(tmp_path.rglob("*")) == before
