"""Slices of rows: their texts, their gaps, and how many of these are chance."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, fisher_exact

from kerasbert.evaluation.slices import (
    Slicing,
    automatic_slicings,
    column_slicing,
    holm,
    remarkable,
    slice_metrics,
)


def sliced(text: str, by: str) -> str:
    others = ["长" * 50] * 3
    return next(of.values[0] for of in automatic_slicings([text, *others]) if of.by == by)


@pytest.mark.parametrize(
    ("text", "by", "expected"),
    [
        ("今天很好", "script", "mostly Chinese characters"),
        ("iPhone 很好", "script", "mostly Latin letters"),
        ("12345 !?", "script", "no letters"),
        ("カタカナ", "script", "mixed or another script"),
        ("", "script", "no letters"),
        ("今天12点", "digits", "digits"),
        ("今天１２点", "digits", "digits"),
        ("今天十二点", "digits", "no digits"),
        ("看 https://x.y/z", "links", "links"),
        ("加www.abc", "links", "links"),
        ("邮箱a@b.cn吧", "links", "links"),
        ("淘宝taobao.com便宜", "links", "links"),
        ("3.14和v1.2.3", "links", "no links"),
        ("用App看", "Latin letters", "Latin letters"),
        ("用ＡＢ看", "Latin letters", "Latin letters"),
        ("只有汉字。", "Latin letters", "no Latin letters"),
        ("短", "length", "up to 1 characters"),
    ],
)
def test_texts_are_divided(text, by, expected):
    assert sliced(text, by) == expected


def test_lengths_are_divided_into_quarters_and_a_middle():
    (lengths, *_) = automatic_slicings(["x" * n for n in range(1, 101)])
    assert lengths.slices == ["up to 25 characters", "26 to 75 characters", "over 75 characters"]
    assert automatic_slicings(["好"] * 9)[0].slices == ["up to 1 characters"]


def test_of_many_values_the_rarest_are_one_slice():
    values = [f"v{i}" for i in range(30) for _ in range(30 - i)] + [""] * 31
    slicing = column_slicing("source", values)
    assert len(slicing.slices) == 21
    assert slicing.slices[0] in ("(others)", "(empty)")
    assert {"(empty)", "(others)", "v0"} <= set(slicing.slices)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_is_between_no_correction_and_bonferroni(p_values):
    adjusted = holm(p_values)
    for p, found in zip(p_values, adjusted, strict=True):
        assert min(p, 1) <= found <= min(1, p * len(p_values)) + 1e-12
    assert np.all(np.array(adjusted) >= false_discovery_control(p_values) - 1e-12)


def test_holm_multiplies_by_the_number_of_tests_that_are_left():
    assert holm([0.01, 0.02, 0.03, 0.005]) == pytest.approx([0.03, 0.04, 0.04, 0.02])


def made(rows: int, gap: float, seed: int) -> tuple[np.ndarray, list[Slicing]]:
    random = np.random.default_rng(seed)
    source = random.choice(["web", "app"], rows)
    right = random.random(rows) < np.where(source == "web", 0.85 - gap, 0.85)
    others = [Slicing(name, random.choice(["x", "y", "z"], rows).tolist()) for name in "pqr"]
    return right, [Slicing("source", source.tolist()), *others]


def test_a_gap_is_found_with_its_interval_and_fishers_p():
    right, slicings = made(2000, 0.1, 1)
    found = slice_metrics(right, slicings)
    web = next(of for of in found["slices"] if of["value"] == "web")
    within = np.array(slicings[0].values) == "web"
    assert web["rows"] == within.sum()
    assert web["accuracy"] == pytest.approx(right[within].mean())
    assert web["gap"] == pytest.approx(right[within].mean() - right[~within].mean())
    assert web["gap_interval"][0] < web["gap"] < web["gap_interval"][1] < 0
    table = [[right[of].sum(), (~right[of]).sum()] for of in (within, ~within)]
    assert web["p"] == pytest.approx(fisher_exact(table).pvalue)
    assert [of["value"] for of in remarkable(found["slices"])] == ["web"]
    assert found["tests"] == 10, "the two gaps of a division in two are one test"


@pytest.mark.process
def test_without_gaps_hardly_any_evaluation_shows_one(monkeypatch):
    """Fisher's test and Holm's method both err on the safe side."""
    monkeypatch.setattr("kerasbert.evaluation.slices.intervals", lambda *_: (np.zeros(22), np.ones(22)))
    falsely = sum(bool(remarkable(slice_metrics(*made(300, 0, seed))["slices"])) for seed in range(200))
    assert falsely / 200 <= 0.05 + 0.02


@pytest.mark.process
def test_the_intervals_of_gaps_hold_the_truth():
    held = []
    for seed in range(300):
        right, (source, *_) = made(400, 0.1, seed)
        of = slice_metrics(right, [source])["slices"][0]
        true = -0.1 if of["value"] == "web" else 0.1
        held.append(of["gap_interval"][0] <= true <= of["gap_interval"][1])
    assert np.mean(held) == pytest.approx(0.95, abs=0.03)


def test_small_slices_have_no_gap_and_an_exact_interval():
    right = np.array([True] * 3 + [False, True] * 20)
    (few, _) = slice_metrics(right, [Slicing("c", ["few"] * 3 + ["rest"] * 40)])["slices"][::-1]
    assert few["value"] == "few"
    assert few["interval"] == pytest.approx([0.025 ** (1 / 3), 1], abs=1e-6)
    assert "gap" not in few
    assert slice_metrics(right, [Slicing("c", ["one"] * 43)])["slices"] == []


def test_copies_in_groups_are_no_evidence():
    right = np.repeat(np.array([True] * 9 + [False] * 3), 30)
    values = np.repeat(["x"] * 6 + ["y"] * 6, 30).tolist()
    groups = np.repeat([str(i) for i in range(12)], 30).tolist()
    alone, grouped = (slice_metrics(right, [Slicing("c", values)], of) for of in (None, groups))
    assert alone["slices"][0]["p"] < 1e-9 < 0.01 < grouped["slices"][0]["p"]


def test_ten_thousand_rows_take_a_moment():
    texts = ["今天天气很好，我们去公园吧 2024" * 3 + "x" * (i % 40) for i in range(10_000)]
    right = np.random.default_rng(0).random(10_000) < 0.9
    start = time.process_time()
    slice_metrics(right, automatic_slicings(texts))
    assert time.process_time() - start < 2


def test_a_very_long_word_takes_no_square_of_its_length():
    """300,000 letters took minutes: this test would not end."""
    slicings = automatic_slicings(["a" * 300_000, "-." * 150_000, "www.a.cn", "b@c.de"])
    (links,) = (of for of in slicings if "link" in of.by)
    assert links.values[0] == links.values[1] != links.values[2] == links.values[3]
