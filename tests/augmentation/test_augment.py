import json
from collections import Counter

import pytest

from kerasbert.augmentation import augment_rows
from kerasbert.config import AugmentationConfig
from kerasbert.data import Row, Rows
from kerasbert.errors import ConfigError
from kerasbert.text import TextGraph, Vocabulary
from kerasbert.training import prepare, train

pytestmark = pytest.mark.process

METHODS = ["synonym", "insert", "swap", "delete", "homophone"]


@pytest.fixture
def synonyms(tmp_path) -> str:
    path = tmp_path / "synonyms.txt"
    path.write_text("手机 电话\n酒店 宾馆 旅馆\n喜欢 中意\n失望 沮丧\n", encoding="utf-8")
    return str(path)


@pytest.fixture
def graph(vocabulary: Vocabulary) -> TextGraph:
    return TextGraph(vocabulary, 16)


@pytest.mark.slow
def test_each_row_has_its_copies_with_its_labels(reviews: Rows, synonyms: str, graph: TextGraph):
    config = AugmentationConfig(copies=4, methods=METHODS, synonyms=synonyms)
    copies = augment_rows(reviews, config, 0, None, graph)
    of = {row.text: row.labels for row in reviews.rows}
    originals = [(row.file, row.line) for row in reviews.rows]
    assert 2 * len(reviews) < len(copies) <= 4 * len(reviews)
    assert all((row.file, row.line) in originals for row in copies.rows)
    assert all(row.text not in of or of[row.text] == row.labels for row in copies.rows)
    counts = Counter(label for labels in copies.labels for label in labels)
    assert abs(counts["negative"] - counts["positive"]) < 0.2 * len(copies)


@pytest.mark.slow
def test_the_seed_decides(reviews: Rows, graph: TextGraph):
    config = AugmentationConfig(copies=1)
    same, again, other = (augment_rows(reviews, config, seed, None, graph).texts for seed in (0, 0, 1))
    assert same == again != other


def test_both_texts_of_a_pair_are_changed(graph: TextGraph):
    rows = Rows([Row("今天 天气 很好", ("a",), "手机 酒店 不好", "f", 1)])
    (copy,) = augment_rows(rows, AugmentationConfig(copies=1, methods=["delete"]), 0, None, graph).rows
    assert len(copy.text) < len(rows.rows[0].text)
    assert len(copy.pair) < len(rows.rows[0].pair)


def test_copies_that_are_no_others_are_left_out(graph: TextGraph):
    rows = Rows([Row("，！", ("a",), None, "f", 1)])
    assert not len(augment_rows(rows, AugmentationConfig(copies=3), 0, None, graph))


def test_synonyms_want_a_file(reviews: Rows, graph: TextGraph):
    with pytest.raises(
        ConfigError, match=r"augmentation\.synonyms: must be a thesaurus file for the method insert"
    ):
        augment_rows(reviews, AugmentationConfig(copies=1, methods=["insert"]), 0, None, graph)


@pytest.mark.slow
def test_a_training_learns_from_its_rows_and_the_copies(tiny_config):
    prepared = prepare(tiny_config(augmentation={"copies": 2}))
    plain = prepare(tiny_config())
    assert prepared.validation.rows == plain.validation.rows
    assert prepared.train.rows == plain.train.rows
    assert prepared.vocabulary.tokens == plain.vocabulary.tokens
    result = train(prepared)
    written = [json.loads(line) for line in result.run.augmented.read_text(encoding="utf-8").splitlines()]
    assert [row["text"] for row in written] == prepared.augmented.texts
    assert result.metrics["augmented_rows"] == len(written) > 0
    held_out = {(row.file, row.line) for row in prepared.validation.rows}
    assert not {(row["file"], row["line"]) for row in written} & held_out
    history = [json.loads(line) for line in result.run.history.read_text(encoding="utf-8").splitlines()]
    assert history[0]["rows_per_second"] * history[0]["seconds"] == pytest.approx(
        len(prepared.train) + len(written)
    )
