"""train --from RUN: another label, the classifier of the old ones kept."""

import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from kerasbert.checkpoints import RunDirectory
from kerasbert.errors import CheckpointError, ConfigError
from kerasbert.models import build_backbone, build_model
from kerasbert.training import prepare, train
from kerasbert.training.continuation import earlier_validation, forgetting, keep_classifier


@pytest.fixture
def more_config(tiny_config, trained, reviews, tmp_path):
    """Returns a function that makes a configuration that goes on from the trained run, with a third label."""

    def make(rows=None, **overrides):
        rows = [(row.text, row.labels[0]) for row in reviews.rows] if rows is None else rows
        rows = [*rows, *((f"{thing}一般", "neutral") for thing in "甲乙丙丁戊己庚辛壬癸")]
        path = tmp_path / "more.jsonl"
        lines = (json.dumps({"text": text, "label": label}) for text, label in rows)
        path.write_text("\n".join(lines), encoding="utf-8")
        own = {
            "data": {"train": str(path)},
            "head": {"keep": True},
            "backbone": {"source": str(trained.run.path)},
        }
        config = tiny_config(**{**own, **overrides})
        for name in ("num_layers", "hidden_dim", "num_heads", "intermediate_dim"):
            setattr(config.backbone, name, None)
        return config

    return make


def test_old_labels_keep_their_rows_and_their_place(more_config, trained):
    prepared = prepare(more_config())
    assert prepared.task.labels == ("negative", "positive", "neutral")
    backbone = build_backbone(prepared.config.backbone, len(prepared.vocabulary))
    model = build_model(backbone, prepared.task, prepared.config.head)
    new = [weight.numpy() for weight in model.head.weights]
    keep_classifier(model, prepared.task.labels, RunDirectory(trained.run.path))
    for weight, before, old in zip(
        model.head.weights, new, trained.classifier.model.head.weights, strict=True
    ):
        assert np.array_equal(weight.numpy()[..., :2], old.numpy())
        assert np.array_equal(weight.numpy()[..., 2], before[..., 2])


def test_of_a_head_with_more_layers_only_the_last_goes_by_labels():
    def model(labels):
        inputs = keras.Input((4,))
        layers = [keras.layers.Dense(3, name="hidden"), keras.layers.Dense(len(labels))]
        return SimpleNamespace(head=keras.Sequential([inputs, *layers]), labels=labels)

    def kept(old, new):
        one, other = model(old), model(new)
        run = SimpleNamespace(load=lambda: SimpleNamespace(labels=old, model=one), path="run")
        before = [weight.numpy() for weight in other.head.weights]
        keep_classifier(other, new, run)
        return one.head.weights, other.head.weights, before

    for new, columns in (("b", "c"), {0: 1}), (("c", "b", "a", "d"), {1: 1, 2: 0}):
        old, found, before = kept(("a", "b"), new)
        for weight, source in zip(found[:2], old[:2], strict=True):
            assert np.array_equal(weight, source)
        for weight, source, random in zip(found[2:], old[2:], before[2:], strict=True):
            for column in range(len(new)):
                expected = source[..., columns[column]] if column in columns else random[..., column]
                assert np.array_equal(weight[..., column], expected)


def test_rows_that_were_validated_on_are_not_trained_on(more_config, trained):
    earlier = {row.text for row, _ in earlier_validation(RunDirectory(trained.run.path))}
    assert earlier == set(trained.prepared.validation.texts)
    prepared = prepare(more_config())
    assert earlier <= set(prepared.validation.texts)
    assert not earlier & set(prepared.train.texts)


def test_what_does_not_fit_is_refused(more_config, tmp_path):
    with pytest.raises(ConfigError, match=r"head\.pooling: must be that of .*, mean"):
        prepare(more_config(head={"keep": True, "pooling": "max"}))
    with pytest.raises(ConfigError, match=r"head\.keep: needs a run directory"):
        prepare(more_config(backbone={"source": "kerasbert-tiny-zh"}))
    with pytest.raises((ConfigError, CheckpointError)):
        prepare(more_config(backbone={"source": str(tmp_path / "none")}))


def test_damaged_answers_are_said_to_be(trained, tmp_path):
    run = RunDirectory(tmp_path)
    assert list(earlier_validation(run)) == []
    run.predictions.write_text('{"text": "x"}\n', encoding="utf-8")
    with pytest.raises(CheckpointError, match="is damaged"):
        list(earlier_validation(run))


def test_the_same_model_has_forgotten_nothing(trained):
    found = forgetting(RunDirectory(trained.run.path), trained.classifier, trained.prepared.train, None)
    assert found["rows"] == len(trained.prepared.validation)
    assert found["accuracy"] == found["accuracy_before"] == trained.metrics["accuracy"]
    assert found["forgotten"] == found["learned"] == 0
    assert sum(of["rows"] for of in found["per_class"].values()) == found["rows"]


@pytest.mark.process
def test_a_label_is_added(more_config, trained):
    result = train(prepare(more_config()))
    assert result.metrics["forgetting"]["rows"] == len(trained.prepared.validation)
    written = json.loads(result.run.metrics.read_text(encoding="utf-8"))
    assert written["forgetting"] == result.metrics["forgetting"]
    assert "neutral" in result.metrics["per_class"]
