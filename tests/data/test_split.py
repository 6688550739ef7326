from collections import Counter

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from kerasbert.data import Row, Rows, fold_rows, normalized, split_rows
from kerasbert.errors import DataError


def row(text: str, *labels: str, pair: str | None = None, line: int = 1) -> Row:
    return Row(text, labels, pair, "f.csv", line)


def many(count: int, labels: str = "ab") -> Rows:
    return Rows([row(f"第{i}条", labels[i % len(labels)], line=i) for i in range(count)])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("很好！", "很好。"),
        ("很 好", "很好"),
        ("Ａｐｐｌｅ１２", "apple12"),
        ("Straße", "STRASSE"),
        ("《书》_“名”", "书名"),
        ("ﾊﾝｶｸ", "ハンカク"),
        ("a\u3000b\n", "AB"),
    ],
)
def test_width_case_punctuation_and_space_do_not_tell_texts_apart(one: str, other: str):
    assert normalized(row(one)) == normalized(row(other))


@pytest.mark.parametrize(
    ("one", "other"), [("很好", "不好"), ("！", "？"), ("", "！"), ("a1", "a2"), ("é", "e")]
)
def test_different_texts_stay_different(one: str, other: str):
    assert normalized(row(one)) != normalized(row(other))


def test_pairs_count_with_their_border():
    assert normalized(row("ab", pair="c")) != normalized(row("a", pair="bc"))
    assert normalized(row("a", pair="b")) != normalized(row("b", pair="a"))
    assert normalized(row("A！", pair="b")) == normalized(row("a", pair="Ｂ"))


TEXTS = st.text("今天气很好A1 ，。！Ａ１", max_size=4)


@settings(deadline=None, max_examples=80)
@given(
    data=st.lists(st.tuples(TEXTS, st.sampled_from("ab")), min_size=8, max_size=40),
    fraction=st.floats(0.1, 0.9),
    seed=st.integers(0, 99),
)
def test_the_sides_share_no_text_and_together_are_all_rows(data: list, fraction: float, seed: int):
    rows = Rows([row(text, label, line=i) for i, (text, label) in enumerate(data)], [(row(""), "empty text")])
    try:
        train, validation = split_rows(rows, fraction, seed)
    except DataError:
        assume(False)
    assert not {normalized(r) for r in train.rows} & {normalized(r) for r in validation.rows}
    assert sorted([*train.rows, *validation.rows], key=lambda r: r.line) == rows.rows
    assert train.rows == sorted(train.rows, key=lambda r: r.line)
    assert validation.rows == sorted(validation.rows, key=lambda r: r.line)
    assert train.left_out + validation.left_out == rows.left_out
    again = split_rows(rows, fraction, seed)
    assert (again[0].rows, again[1].rows) == (train.rows, validation.rows)


def test_two_texts_that_both_have_both_labels_are_split():
    rows = Rows(
        [row(text, label, line=i) for i, (text, label) in enumerate(zip("甲甲乙乙", "abba", strict=True))]
    )
    train, validation = split_rows(rows, 0.5, 0)
    assert train.label_counts == validation.label_counts == {"a": 1, "b": 1}


@settings(deadline=None, max_examples=40)
@given(
    sizes=st.tuples(*[st.integers(10, 120)] * 3),
    fraction=st.sampled_from([0.1, 0.2, 0.5]),
    seed=st.integers(0, 9),
)
def test_each_label_keeps_its_share(sizes: tuple[int, ...], fraction: float, seed: int):
    labels = [label for label, size in zip("abc", sizes, strict=True) for _ in range(size)]
    rows = Rows([row(f"第{i}条", label) for i, label in enumerate(labels)])
    _, validation = split_rows(rows, fraction, seed)
    assert abs(len(validation) - fraction * len(rows)) <= 1
    share = len(validation) / len(rows)  # a little more than `fraction`: a part of a row counts as one
    for label, size in zip("abc", sizes, strict=True):
        assert abs(validation.label_counts.get(label, 0) - share * size) <= 1


def test_another_seed_gives_another_split():
    first, second = (split_rows(many(200), 0.2, seed)[1].rows for seed in (0, 1))
    assert first != second
    assert len(first) == len(second) == 40


def test_repeats_of_a_text_stay_together():
    rows = Rows(
        [
            row(text + mark, "ab"[i % 2])
            for i, text in enumerate("一二三四五六七八九十")
            for mark in ["", "！", "?"]
        ]
    )
    for seed in range(5):
        for side in split_rows(rows, 0.3, seed):
            assert set(Counter(normalized(r) for r in side.rows).values()) == {3}


@pytest.mark.parametrize(
    "rows",
    [
        Rows([row("x", "a"), row("y", "b")]),
        Rows([row("x", "a"), row("y", "a"), row("z", "a"), row("w", "b")]),
        Rows([row("x", "a")] * 50 + [row("y", "b")] * 50),
        Rows([]),
    ],
    ids=["two rows", "one of a label", "two texts", "none"],
)
def test_too_few_texts_are_explained(rows: Rows):
    with pytest.raises(DataError, match=r"data\.validation_fraction: \d+ distinct texts cannot be split"):
        split_rows(rows, 0.1, 0)


def test_rare_combinations_of_several_labels_do_not_prevent_a_split():
    """With many labels a row, most combinations occur once; each single label is frequent enough."""
    labels = [[name for bit, name in enumerate("abcdef") if i >> bit & 1] for i in range(64)]
    rows = Rows([row(f"第{i}条", *found) for i, found in enumerate(labels)])
    train, validation = split_rows(rows, 0.25, 0)
    assert len(train) + len(validation) == 64
    assert set(train.label_counts) == set("abcdef")


# --- rare labels --------------------------------------------------------------------------------------


def of_sizes(sizes: dict[str, int]) -> Rows:
    return Rows([row(f"{label}第{i}条", label) for label, size in sizes.items() for i in range(size)])


@settings(deadline=None, max_examples=60)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=2, max_size=8),
    fraction=st.floats(0.01, 0.9),
    seed=st.integers(0, 9),
)
def test_a_label_of_two_texts_is_on_both_sides(sizes: list[int], fraction: float, seed: int):
    assume(sum(size > 1 for size in sizes) > 1)
    rows = of_sizes({f"标签{i}": size for i, size in enumerate(sizes)})
    train, validation = split_rows(rows, fraction, seed)
    for label, size in rows.label_counts.items():
        assert train.label_counts.get(label, 0) >= 1
        assert (validation.label_counts.get(label, 0) >= 1) == (size >= 2)
    several = sum(size > 1 for size in sizes)
    wanted = min(max(fraction * len(rows), several), len(rows) - len(sizes))
    assert abs(len(validation) - wanted) <= 1


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5])
def test_where_no_label_is_rare_the_split_is_that_of_scikit_learn(fraction: float):
    """Runs that were begun before rare labels were cared for go on with their split."""
    rows = of_sizes({"好": 90, "差": 31})
    labels = [r.labels[0] for r in rows.rows]
    _, expected = train_test_split(rows.texts, test_size=fraction, random_state=3, stratify=labels)
    assert sorted(split_rows(rows, fraction, 3)[1].texts) == sorted(expected)


@settings(deadline=None, max_examples=40)
@given(data=st.lists(st.sets(st.sampled_from("abcdef"), max_size=3), min_size=20, max_size=60))
def test_several_labels_a_row_are_on_both_sides_where_rows_of_one_label_exist(data: list[set[str]]):
    singles = [{label} for label in "abcdef"] * 2
    rows = Rows([row(f"第{i}条", *sorted(labels)) for i, labels in enumerate([*data, *singles])])
    for side in split_rows(rows, 0.2, 0):
        assert set(side.label_counts) == set("abcdef")


def test_folds_have_a_rare_label_in_training_always_and_in_validation_where_it_reaches():
    rows = of_sizes({"好": 20, "差": 20, "中": 3, "一": 1})
    folds = [fold_rows(rows, 5, fold, 0) for fold in range(5)]
    assert sum(validation.label_counts.get("中", 0) for _, validation in folds) == 3
    for train, validation in folds:
        assert set(train.label_counts) == {"好", "差", "中", "一"}
        assert validation.label_counts.get("中", 0) <= 1
        assert not set(train.texts) & set(validation.texts)
    held_out = [text for _, validation in folds for text in validation.texts]
    assert sorted(held_out) == sorted(set(rows.texts) - {"一第0条"})
