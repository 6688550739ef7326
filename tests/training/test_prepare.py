import json
from pathlib import Path

import pytest

from kerasbert.errors import ConfigError, DataError, UserError, VocabularyError
from kerasbert.tasks import Classification
from kerasbert.text import Vocabulary
from kerasbert.training import prepare


@pytest.fixture
def write(tmp_path: Path):
    """Returns a function that writes (text, label) rows and returns the path."""

    def rows(*pairs: tuple[str, str], name: str = "rows.jsonl") -> str:
        lines = (json.dumps({"text": text, "label": label}) for text, label in pairs)
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
        return str(tmp_path / name)

    return rows


def test_what_was_open_is_settled(tiny_config):
    config = prepare(tiny_config(run_dir=None)).config
    assert config.backbone.max_positions == config.training.max_length
    assert config.run_dir.startswith("runs/classification-")


def test_the_given_configuration_is_not_changed(tiny_config):
    config = tiny_config(run_dir=None, backbone={"num_layers": None})
    before = config.model_dump()
    prepare(config)
    assert config.model_dump() == before


def test_preparing_twice_gives_the_same(tiny_config):
    one, two = prepare(tiny_config()), prepare(tiny_config())
    assert one.vocabulary.tokens == two.vocabulary.tokens
    assert one.train.texts == two.train.texts
    assert one.validation.texts == two.validation.texts
    assert one.config == two.config


def test_the_seed_chooses_the_split(tiny_config):
    one, two = prepare(tiny_config()), prepare(tiny_config(training={"seed": 1}))
    assert one.validation.texts != two.validation.texts


def test_the_vocabulary_knows_nothing_of_the_validation_rows(tiny_config, write):
    train = write(*[(f"{word}好", label) for word in "甲乙丙" for label in "ab"] * 2)
    validation = write(("未见过", "a"), ("好", "b"), name="validation.jsonl")
    vocabulary = prepare(tiny_config(data={"train": train, "validation": validation})).vocabulary
    assert "好" in vocabulary.tokens
    assert not set("未见过") & set(vocabulary.tokens)


def test_a_vocabulary_file_is_taken_as_it_is(tiny_config, vocabulary: Vocabulary, tmp_path: Path):
    vocabulary.save(tmp_path / "vocab.txt")
    prepared = prepare(tiny_config(text={"vocabulary": str(tmp_path / "vocab.txt")}))
    assert prepared.vocabulary.tokens == vocabulary.tokens


def test_a_missing_vocabulary_file_is_named(tiny_config, tmp_path: Path):
    with pytest.raises(VocabularyError, match=r"none\.txt: cannot be read"):
        prepare(tiny_config(text={"vocabulary": str(tmp_path / "none.txt")}))


def test_labels_come_in_the_order_of_the_configuration(tiny_config):
    labels = ["positive", "negative"]
    assert prepare(tiny_config(data={"labels": labels})).task.labels == tuple(labels)


def test_the_order_of_fixed_labels_is_the_tasks_own(tiny_config, monkeypatch: pytest.MonkeyPatch):
    # A task with fixed labels may decide by their places: the second is spam, the second is positive.
    monkeypatch.setattr(Classification, "fixed_labels", ("negative", "positive"))
    try:
        prepared = prepare(tiny_config(data={"labels": ["positive", "negative"]}))
    except UserError:
        return
    assert prepared.task.labels == ("negative", "positive")


@pytest.mark.parametrize("label", ["two\nlines", "carriage\rreturn"])
def test_a_label_that_labels_txt_cannot_hold_is_refused(tiny_config, write, label: str):
    train = write(*[(f"{text}好", name) for text in "甲乙丙丁戊己庚辛壬癸" for name in (label, "a")])
    with pytest.raises(UserError, match="label"):
        prepare(tiny_config(data={"train": train, "validation": train}))


def test_training_needs_a_file(tiny_config):
    with pytest.raises(ConfigError, match=r"data\.train: name at least one"):
        prepare(tiny_config(data={"train": []}))


def test_one_label_leaves_nothing_to_learn(tiny_config, write):
    with pytest.raises(DataError, match="at least two labels"):
        prepare(tiny_config(data={"train": write(("甲", "a"), ("乙", "a"))}))


@pytest.mark.parametrize("key", ["train", "validation"])
def test_an_unknown_label_is_named_with_its_line(tiny_config, write, key: str):
    known = [(f"{text}", label) for text in "甲乙丙丁戊己庚辛壬癸" for label in "ab"]
    files = {"train": write(*known), "validation": write(*known, name="validation.jsonl")}
    files[key] = write(*known, ("子", "c"), name="unknown.jsonl")
    with pytest.raises(DataError, match=r"unknown\.jsonl:21: unknown label 'c'\. Known: a, b"):
        prepare(tiny_config(data={**files, "labels": ["a", "b"]}))


def test_texts_longer_than_the_positions_are_refused(tiny_config):
    with pytest.raises(ConfigError, match=r"training\.max_length: must be at most 8"):
        prepare(tiny_config(backbone={"max_positions": 8}, training={"max_length": 16}))


@pytest.mark.parametrize(
    "sizes", [{"hidden_dim": None, "num_heads": 3}, {"hidden_dim": 9, "num_heads": None}], ids=str
)
def test_heads_that_do_not_divide_a_default_width_are_refused(tiny_config, sizes: dict):
    with pytest.raises(ConfigError, match=r"hidden_dim.*num_heads|num_heads.*hidden_dim"):
        prepare(tiny_config(backbone=sizes))


def test_a_wrong_option_of_the_task_is_refused(tiny_config):
    with pytest.raises(ConfigError, match="task_options: threshold: unknown key"):
        prepare(tiny_config(task_options={"threshold": 0.5}))
