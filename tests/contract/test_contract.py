import itertools
import json
import re
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import ClassVar

import pytest
import tensorflow as tf
from keras import layers, ops

from kerasbert import plugins
from kerasbert.tasks import Classification, MultiLabel, SampleData, Task, registry
from kerasbert.testing import run_checks


class Pairs(Classification):
    """Two texts a row, with a head of its own."""

    name = "pairs"
    summary = "do two texts say the same"
    fixed_labels = ("different", "same")
    defaults: ClassVar = {"data": {"pair_column": "pair"}}

    def head(self, encoded, padding_mask, config):
        hidden = layers.Dense(8, activation="tanh", dtype="float32")(encoded["pooled_output"])
        return layers.Dense(2, dtype="float32")(hidden)


class Topics(MultiLabel):
    """Several of fixed labels."""

    name = "topics"
    summary = "what a review speaks of"
    fixed_labels = ("food", "room", "staff", "price")

    def decide(self, logits):
        outputs = super().decide(logits)
        return {**outputs, "count": tf.reduce_sum(outputs["selected"], axis=1)}


class LacksAnOutput(Classification):
    name = "lacks_an_output"
    summary = "broken"

    def decide(self, logits):
        outputs = super().decide(logits)
        del outputs["score"]
        return outputs


class WritesOnlyTheNewName(MultiLabel):
    name = "writes_only_the_new_name"
    summary = "broken"

    def decide(self, logits):
        outputs = super().decide(logits)
        return {**outputs, "selected": 1 - outputs["selected"]}


class DropsRows(Classification):
    name = "drops_rows"
    summary = "broken"

    def clean(self, text):
        return tf.boolean_mask(text, tf.strings.length(text) > 0)


class HalfLogits(Classification):
    name = "half_logits"
    summary = "broken"

    def head(self, encoded, padding_mask, config):
        return ops.cast(super().head(encoded, padding_mask, config), "float16")


class OneLogitMore(Classification):
    name = "one_logit_more"
    summary = "broken"

    def head(self, encoded, padding_mask, config):
        return layers.Dense(len(self.labels) + 1, dtype="float32")(encoded["pooled_output"])


class LosesTheBatch(Classification):
    name = "loses_the_batch"
    summary = "broken"

    def decide(self, logits):
        outputs = super().decide(logits)
        return {**outputs, "highest": tf.reduce_max(outputs["score"], keepdims=True)}


class ContradictsItself(Classification):
    name = "contradicts_itself"
    summary = "broken"

    def decide(self, logits):
        outputs = super().decide(logits)
        return {**outputs, "label": tf.fill(tf.shape(outputs["label"]), self.labels[0])}


class TakesTheNameOfTheCore(Classification):
    name = "takes_the_name_of_the_core"
    summary = "broken"

    def decide(self, logits):
        outputs = super().decide(logits)
        return {**outputs, "accepted": outputs["score"] > 0.5}


class CalibratesToNothing(Classification):
    name = "calibrates_to_nothing"
    summary = "broken"

    def calibrate(self, probabilities, targets):
        return None


class DecidesAtRandom(Classification):
    name = "decides_at_random"
    summary = "broken"

    def decide(self, logits):
        return super().decide(logits + tf.random.normal(tf.shape(logits)))


class BreaksText(Classification):
    name = "breaks_text"
    summary = "broken"

    def clean(self, text):
        return tf.strings.substr(text, 0, 2)  # bytes


class IgnoresTheText(Classification):
    name = "ignores_the_text"
    summary = "broken"

    def head(self, encoded, padding_mask, config):
        return super().head(
            {**encoded, "pooled_output": ops.zeros_like(encoded["pooled_output"])}, padding_mask, config
        )


class OneLabel(Classification):
    name = "one_label"
    summary = "broken"
    fixed_labels = ("only",)


class LabelsInAString(Classification):
    name = "labels_in_a_string"
    summary = "broken"
    fixed_labels = "ab"


class WrongDefaults(Classification):
    name = "wrong_defaults"
    summary = "broken"
    defaults: ClassVar = {"training": {"epoch": 3}}


BROKEN = {
    LacksAnOutput: ("decision_is_consistent", "score"),
    WritesOnlyTheNewName: ("decision_is_consistent", "set both"),
    DropsRows: ("cleaning_is_total", "11 texts became"),
    HalfLogits: ("head_gives_logits", "logits are float16"),
    OneLogitMore: ("head_gives_logits", r"4\b.*3\b|3\b.*4\b"),
    LosesTheBatch: ("decision_is_consistent", "batch"),
    ContradictsItself: ("decision_is_consistent", "label differs from the selected labels"),
    TakesTheNameOfTheCore: ("decision_is_consistent", "the output accepted is the core's"),
    CalibratesToNothing: ("decision_can_be_calibrated", "calibrate returns NoneType, not Options"),
    DecidesAtRandom: ("decision_can_be_calibrated", "Not equal|depends on more than the logits"),
    BreaksText: ("cleaning_is_total", "UnicodeDecodeError"),
    IgnoresTheText: ("head_gives_logits", "no gradient reaches the embeddings"),
    OneLabel: ("says_what_it_is", "one label leaves nothing to decide"),
    LabelsInAString: ("says_what_it_is", "fixed_labels must be a tuple, is 'ab'"),
    WrongDefaults: ("defaults_are_valid", r"training\.epoch: unknown key"),
}


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Declares the tasks of this file as pip would."""
    ours = [EntryPoint(t.name, f"{__name__}:{t.__name__}", registry.GROUP) for t in (Pairs, Topics, *BROKEN)]
    monkeypatch.setattr(plugins, "entry_points", lambda group: [*entry_points(group=group), *ours])


def errors(task: type[Task]) -> dict[str, str]:
    return {name: error for name, error in run_checks(task) if error is not None}


def error_of(task: type[Task], check: str) -> str | None:
    # The checks run as they are asked for: those after this one are left out.
    return next(error for name, error in run_checks(task) if name == check)


@pytest.mark.process
def test_multi_label_keeps_the_contract():
    assert errors(MultiLabel) == {}


@pytest.mark.process
def test_a_task_over_pairs_keeps_the_contract():
    assert errors(Pairs) == {}


def test_samples_of_pairs_may_share_one_of_their_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, pairs in (("train", ["ab", "aa"]), ("validation", ["ac", "bb"])):
        lines = (
            json.dumps({"text": a, "pair": b, "label": "same" if a == b else "different"}) for a, b in pairs
        )
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    samples = SampleData(tmp_path / "train.jsonl", tmp_path / "validation.jsonl")
    monkeypatch.setattr(Pairs, "sample_data", samples)
    monkeypatch.setattr(Pairs, "sample_texts", ("a",))
    assert error_of(Pairs, "samples_are_valid") is None


# A model of `Classification` is trained and exported with each new plugin: test_plugin_template.py.
@pytest.mark.parametrize("task", [Classification, Topics], ids=lambda task: task.name)
def test_these_tasks_keep_it_until_they_are_trained(task: type[Task]):
    before_training = list(itertools.islice(run_checks(task), 7))
    assert {"decision_is_consistent", "decision_can_be_calibrated"} <= dict(before_training).keys()
    assert [error for _, error in before_training if error] == []


def test_every_check_is_run():
    checks = run_checks(Classification)
    assert [next(checks)[0] for _ in range(3)] == [
        "says_what_it_is",
        "defaults_are_valid",
        "cleaning_is_total",
    ]


@pytest.mark.process
@pytest.mark.parametrize("task", BROKEN, ids=lambda task: task.name)
def test_a_broken_task_is_told_what_is_wrong(task: type[Task]):
    check, message = BROKEN[task]
    error = error_of(task, check)
    assert error is not None
    assert re.search(message, error), error


def test_a_task_that_is_not_installed_fails_its_checks():
    class Nowhere(Classification):
        name = "nowhere"

    name, error = next(run_checks(Nowhere))
    assert name == "says_what_it_is"
    assert "no task 'nowhere' is installed" in error
