import numpy as np
import pytest
import tensorflow as tf

from kerasbert.data import Row, Rows
from kerasbert.data.batches import (
    Examples,
    prediction_batches,
    slices,
    tokenize_rows,
    training_batches,
)
from kerasbert.data.plan import FILLER
from kerasbert.text import SPECIAL_TOKENS, TextGraph, WordPieceVocabulary

WORDS = [f"w{i}" for i in range(200)]
VOCABULARY = WordPieceVocabulary([*SPECIAL_TOKENS, *WORDS])
FIRST_WORD = len(SPECIAL_TOKENS)


def text(length: int, start: int = 0) -> str:
    return " ".join(WORDS[(start + i) % len(WORDS)] for i in range(length))


def make_rows(lengths: list[int], pair_lengths: list[int] | None = None) -> Rows:
    pairs = [None] * len(lengths) if pair_lengths is None else [text(n, 100) for n in pair_lengths]
    return Rows(
        [Row(text(n, i), ("a",), p, "f", i) for i, (n, p) in enumerate(zip(lengths, pairs, strict=True))]
    )


@pytest.fixture(scope="module")
def graph() -> TextGraph:
    return TextGraph(VOCABULARY, max_length=24)


# --- tokenised rows -----------------------------------------------------------------------------------


def test_tokenised_rows_know_their_lengths(graph: TextGraph):
    assert tokenize_rows(make_rows([3, 0, 7]), graph).lengths.tolist() == [3, 0, 7]
    assert tokenize_rows(make_rows([3, 0], [2, 5]), graph).lengths.tolist() == [5, 5]


def test_rows_beyond_one_tokenising_batch_are_in_order(graph: TextGraph):
    rows = Rows([Row(WORDS[i % 200], ("a",), None, "f", i) for i in range(5000)])
    ids = tokenize_rows(rows, graph).ids.flat_values.numpy()
    np.testing.assert_array_equal(ids, FIRST_WORD + np.arange(5000) % 200)


def assert_same_inputs(rows: Rows, graph: TextGraph) -> None:
    tokenised = tokenize_rows(rows, graph).inputs(tf.range(len(rows)), graph)
    pairs = None if rows.pairs is None else tf.constant(rows.pairs)
    served = graph(tf.constant(rows.texts), pairs)
    for name, value in served.items():
        np.testing.assert_array_equal(tokenised[name], value, err_msg=name)


@pytest.mark.parametrize("truncation", ["head", "tail", "head_tail"])
@pytest.mark.parametrize("pair_lengths", [None, [30, 0, 11, 12, 50, 1, 100]])
def test_training_truncates_as_serving_does(truncation: str, pair_lengths: list[int] | None):
    graph = TextGraph(VOCABULARY, max_length=24, truncation=truncation)
    assert_same_inputs(make_rows([0, 1, 22, 23, 24, 25, 100], pair_lengths), graph)


def test_training_sees_the_single_texts_that_serving_sees(graph: TextGraph):
    assert_same_inputs(make_rows([0, 1, 22, 23, 24, 25, 100]), graph)


@pytest.mark.parametrize("max_length", [16, 17])
def test_training_sees_the_pairs_that_serving_sees(max_length: int):
    """Also where both texts are longer than a row: how they are cut depends on which is the longer."""
    lengths, pair_lengths = (
        list(grid.flat) for grid in np.meshgrid([0, 5, 7, 8, 15, 16, 20, 30], [0, 6, 7, 16, 20, 40])
    )
    assert_same_inputs(make_rows(lengths, pair_lengths), TextGraph(VOCABULARY, max_length))


# --- training batches ---------------------------------------------------------------------------------


def batches(
    rows: Rows, graph: TextGraph, plan: np.ndarray, weights=None, dropout: float = 0.0, **options
) -> list:
    tokenised = tokenize_rows(rows, graph)
    targets = np.arange(len(rows), dtype=np.float32)[:, None]
    weights = np.ones(len(rows), np.float32) if weights is None else weights
    return list(
        training_batches(
            Examples(tokenised, targets, weights), plan, graph, dropout, **options
        ).as_numpy_iterator()
    )


def test_batches_hold_the_planned_rows_with_their_targets(graph: TextGraph):
    rows = make_rows([3, 8, 1, 12, 5])
    plan = np.array([[4, 1], [0, 3], [2, FILLER]], np.int32)
    for index, (inputs, targets, _) in zip(plan, batches(rows, graph, plan), strict=True):
        real = index != FILLER
        expected = graph(tf.constant([rows.texts[i] for i in index[real]]))
        width = expected["token_ids"].shape[1]
        np.testing.assert_array_equal(targets[real, 0], index[real])
        np.testing.assert_array_equal(inputs["token_ids"][real][:, :width], expected["token_ids"])


def test_the_mean_over_a_batch_is_the_mean_over_its_real_rows(graph: TextGraph):
    random = np.random.default_rng(0)
    weights, losses = random.uniform(0, 10, 60).astype(np.float32), random.uniform(size=60)
    counts = np.arange(24) % 6 + 1
    plan = np.array([[*random.permutation(60)[:n], *[FILLER] * (6 - n)] for n in counts], np.int32)
    found = batches(make_rows([2] * 60), graph, plan, weights)
    for index, (_, targets, scaled) in zip(plan, found, strict=True):
        real = index[index != FILLER]
        mean = np.mean(scaled * losses[targets[:, 0].astype(int)])
        np.testing.assert_allclose(mean, np.mean(weights[real] * losses[real]), rtol=1e-5)
        assert not scaled[index == FILLER].any()


def test_token_dropout_hits_its_share_of_the_words_and_nothing_else(graph: TextGraph):
    rows = make_rows([20] * 400)
    plan = np.arange(400, dtype=np.int32).reshape(25, 16)
    plain = np.stack([inputs["token_ids"] for inputs, _, _ in batches(rows, graph, plan)])
    dropped = np.stack([inputs["token_ids"] for inputs, _, _ in batches(rows, graph, plan, dropout=0.3)])
    changed = plain != dropped
    assert (dropped[changed] == VOCABULARY.mask).all()
    assert (plain[changed] >= FIRST_WORD).all()
    words = plain >= FIRST_WORD
    share, count = changed[words].mean(), words.sum()
    assert count == 8000
    assert abs(share - 0.3) < 5 * np.sqrt(0.3 * 0.7 / count)
    # Every place and every row is hit alike.
    assert np.ptp(changed.mean(axis=(0, 1))[1:21]) < 0.2
    assert (changed.any(axis=2)).mean() > 0.99


@pytest.mark.process
def test_token_dropout_follows_from_seed_and_step_alone(graph: TextGraph):
    rows, plan = make_rows([20] * 8), np.tile(np.arange(8, dtype=np.int32), (4, 1))

    def tokens(seed: int, part: np.ndarray = plan, first_step: int = 0) -> np.ndarray:
        found = batches(rows, graph, part, dropout=0.5, seed=seed, first_step=first_step)
        return np.stack([inputs["token_ids"] for inputs, _, _ in found])

    whole = tokens(0)
    np.testing.assert_array_equal(whole, tokens(0))
    assert (whole != tokens(1)).any()
    for step in range(1, 4):
        assert (whole[0] != whole[step]).any()
        np.testing.assert_array_equal(tokens(0, plan[step:], step), whole[step:])


def test_without_token_dropout_nothing_is_masked(graph: TextGraph):
    ((inputs, _, _),) = batches(make_rows([20] * 4), graph, np.arange(4, dtype=np.int32)[None])
    assert VOCABULARY.mask not in inputs["token_ids"]


@pytest.mark.process
def test_pairs_are_batched_with_their_segments(graph: TextGraph):
    rows = make_rows([3, 4], [2, 6])
    ((inputs, _, _),) = batches(rows, graph, np.array([[1, 0]], np.int32))
    assert inputs["segment_ids"].sum(axis=1).tolist() == [7, 3]


# --- prediction batches -------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "batch_size"), [(1, 1), (1, 4), (12, 4), (13, 4), (5, 7)])
def test_predictions_can_be_put_back_in_order(count: int, batch_size: int, graph: TextGraph):
    lengths = np.random.default_rng(count).integers(0, 20, count).tolist()
    rows = make_rows(lengths)
    dataset, order = prediction_batches(tokenize_rows(rows, graph), graph, batch_size)
    found = list(dataset.as_numpy_iterator())
    assert {len(inputs["token_ids"]) for inputs in found} == {batch_size}
    assert sorted(order) == list(range(len(lengths)))
    tokens = np.concatenate([inputs["padding_mask"].sum(axis=1) for inputs in found])[: len(order)]
    assert tokens.tolist() == sorted(n + 2 for n in lengths)
    restored = np.empty_like(tokens)
    restored[order] = tokens
    assert restored.tolist() == [n + 2 for n in lengths]


@pytest.mark.parametrize(("count", "size"), [(0, 3), (1, 3), (3, 3), (10, 3), (10, 100)])
def test_slices_cover_everything_once(count: int, size: int):
    found = [i for part in slices(count, size) for i in range(count)[part]]
    assert found == list(range(count))
    assert len(list(slices(count, size))) == -(-count // size)
