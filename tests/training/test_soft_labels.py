"""Rows whose labels are probabilities of any source."""

import json

import numpy as np
import pytest

from kerasbert.errors import DataError, UserError
from kerasbert.training import prepare, train
from kerasbert.training.fingerprint import fingerprint, require_fingerprint
from kerasbert.training.training_rows import TrainingRows


@pytest.fixture
def soft_config(tiny_config, tmp_path):
    """Returns a function that makes a configuration with soft labels."""

    def make(*records, **overrides):
        path = tmp_path / "soft.jsonl"
        path.write_text("\n".join(json.dumps(record) for record in records), encoding="utf-8")
        return tiny_config(distillation={"soft_labels": str(path)}, **overrides)

    return make


def record(text, positive):
    return {"text": text, "probabilities": {"positive": positive, "negative": 1 - positive}}


def targets_of(prepared) -> np.ndarray:
    """The targets of an epoch, [rows, labels]."""
    rows = TrainingRows(prepared)
    return np.concatenate([batch[1] for batch in rows.batches(0).take(rows.steps)])


def test_probabilities_are_the_targets(soft_config):
    prepared = prepare(soft_config(record("新的一句", 0.75), record("另一句", 0.75)))
    assert len(prepared.soft) == 2
    assert np.count_nonzero((targets_of(prepared) == [0.25, 0.75]).all(axis=1)) == 2


def test_texts_that_are_empty_or_validated_on_are_left_out(soft_config):
    held_out = prepare(soft_config(record("新", 1))).validation.texts[0]
    prepared = prepare(soft_config(record("新", 1), record(f"{held_out}!", 0.5), record("  ", 0.5)))
    assert prepared.soft.texts == ["新"]
    assert any("soft_labels: 2 row(s) are left out" in warning for warning in prepared.warnings)


def test_what_they_were_belongs_to_the_data_of_a_run(soft_config, tmp_path):
    before = fingerprint(prepare(soft_config(record("新", 0.5))))
    path = tmp_path / "data.json"
    path.write_text(json.dumps(before), encoding="utf-8")
    require_fingerprint(path, before)
    with pytest.raises(UserError, match="the soft labels have changed"):
        require_fingerprint(path, fingerprint(prepare(soft_config(record("新", 0.6)))))


def test_unknown_labels_are_refused(soft_config):
    with pytest.raises(DataError, match="unknown label 'neutral'"):
        prepare(soft_config({"text": "新", "probabilities": {"neutral": 1}}))


@pytest.mark.process
def test_they_teach_what_the_labels_do_not_say(soft_config):
    """Of words that are as often in good rows as in bad ones, only the soft labels know what they mean."""
    soft = [record("电影", 0.95), record("快递", 0.05)] * 40
    result = train(prepare(soft_config(*soft, training={"epochs": 4})))
    film, parcel = result.classifier.predict(["电影", "快递"])["probabilities"][:, 1]
    assert film > 0.6 > 0.4 > parcel
