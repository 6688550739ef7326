import json
import random
import shutil

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB

from kerasbert.curation.expected_gain import gain_line
from kerasbert.curation.learning_curve import LearningCurve, expected_gain, learning_curve
from kerasbert.data import Row
from kerasbert.errors import UserError
from kerasbert.predictors import open_model


def keyword_rows(count: int) -> list[Row]:
    """One character of each text decides its label, of a thousand, as frequent as words are (Zipf)."""
    draw = random.Random(0)
    keys = draw.choices(range(1_000), [1 / (place + 1) for place in range(1_000)], k=count)
    others = ["".join(draw.choices("甲乙丙丁戊己庚辛", k=4)) for _ in keys]
    texts = [chr(ord("一") + key) + rest for key, rest in zip(keys, others, strict=True)]
    return [Row(text, ("ab"[key % 2],), None, "f", 1) for text, key in zip(texts, keys, strict=True)]


def power_law(rows: int, exponent: float, errors: float = 0.3) -> LearningCurve:
    """A curve of which `errors` of the rows are wrong at 100, and as many fewer as the power law says."""
    sizes = np.array([100, 200, 400, 800])
    places = np.random.default_rng(0).random([8, 1, rows])
    wrong = places < errors * (sizes[:, None] / 100) ** -exponent
    return LearningCurve(sizes, wrong, np.ones([8, rows], bool))


def test_a_curve_is_of_rows_that_naive_bayes_has_not_seen():
    rows = keyword_rows(400)
    curve = learning_curve([*rows, *rows[:50]])
    assert curve.held_out.sum(axis=1).tolist() == [80] * 10
    assert curve.sizes.tolist() == [40, 67, 113, 190, 320]
    assert not (curve.wrong & ~curve.held_out[:, None]).any()
    assert curve.errors[-1] < curve.errors[:2].min()
    # The last point of the first repeat, by scikit-learn alone.
    out = curve.held_out[0]
    counts = CountVectorizer(analyzer="char", ngram_range=(1, 2), binary=True)
    features, truth = (
        counts.fit_transform(row.text for row in rows),
        np.array([row.labels[0] for row in rows]),
    )
    decided = MultinomialNB(alpha=0.1).fit(features[~out], truth[~out]).predict(features[out])
    assert curve.wrong[0, -1, out].tolist() == (decided != truth[out]).tolist()


@pytest.mark.parametrize("exponent", [0.1, 0.3, 0.5])
def test_the_gain_is_that_of_the_power_law(exponent):
    found = expected_gain(power_law(4_000, exponent), 0.9, 2_000, 1_000, 1_000)
    expected = 0.1 * (1 - 2**-exponent)
    assert found.gain == pytest.approx(expected, abs=0.003)
    assert found.low < expected < found.high


def test_fewer_rows_mean_a_wider_interval_and_more_labels_a_larger_gain():
    def width(rows, tried):
        found = expected_gain(power_law(rows, 0.3), 0.9, tried, 1_000, 500)
        return found.high - found.low

    assert width(4_000, 2_000) < width(500, 2_000) < width(500, 50)
    gains = [expected_gain(power_law(2_000, 0.3), 0.9, 2_000, 1_000, more).gain for more in (0, 500, 2_000)]
    assert gains == sorted(gains)
    assert gains[0] == 0


def test_what_naive_bayes_gains_is_foreseen_within_a_factor_of_two():
    rows = keyword_rows(3_000)
    curve = learning_curve(rows[:500])
    counts = CountVectorizer(analyzer="char", ngram_range=(1, 2), binary=True)
    features, truth = (
        counts.fit_transform(row.text for row in rows),
        np.array([row.labels[0] for row in rows]),
    )
    before, after = (
        MultinomialNB(alpha=0.1).fit(features[:n], truth[:n]).score(features[1_000:], truth[1_000:])
        for n in (500, 1_000)
    )
    found = expected_gain(curve, before, 2_000, 500, 500)
    assert 0.5 < found.gain / (after - before) < 2


def test_no_number_where_there_is_none():
    with pytest.raises(UserError, match=r"150 different text\(s\) with 2 label\(s\) are too few"):
        learning_curve([*keyword_rows(150), *keyword_rows(150)])
    with pytest.raises(UserError, match="only 2,000 or fewer"):
        expected_gain(power_law(500, 0.3), 0.9, 500, 1_000, 2_001)
    with pytest.raises(UserError, match="does not get better"):
        expected_gain(power_law(500, 0), 0.9, 500, 1_000, 100)
    steps = power_law(2_000, 0)
    steps.wrong[:, :2] = np.random.default_rng(0).random([8, 2, 2_000]) < 0.6
    with pytest.raises(UserError, match="do not fall as a power"):
        expected_gain(steps, 0.9, 500, 1_000, 100)
    draw = random.Random(0)
    meaningless = [Row(row.text, (draw.choice("ab"),), None, "f", 1) for row in keyword_rows(600)]
    with pytest.raises(UserError, match="naive Bayes"):
        expected_gain(learning_curve(meaningless), 0.5, 500, 600, 100)


def test_of_very_many_rows_some_count(monkeypatch):
    monkeypatch.setattr("kerasbert.curation.learning_curve._MOST_ROWS", 250)
    curve = learning_curve(keyword_rows(3_000))
    assert curve.held_out.shape == (10, 250)


def test_several_labels_and_labels_of_one_row():
    rows = keyword_rows(300)
    both = [Row(f"{row.text}双双双双", ("a", "b"), None, "f", 1) for row in keyword_rows(100)]
    for more in (rows, [*rows, *both]):
        curve = learning_curve([*more, Row("唯一", ("rare",), None, "f", 1)])
        assert 0 < curve.errors[-1] < curve.errors[0] < 1


@pytest.mark.process
def test_a_run_says_what_more_labels_bring(trained, tmp_path):
    path = tmp_path / "run"
    shutil.copytree(trained.run.path, path)
    assert "are too few: 200" in gain_line(trained.model, 100)
    rows = tmp_path / "rows.jsonl"
    records = [json.dumps({"text": row.text, "label": row.labels[0]}) for row in keyword_rows(600)]
    rows.write_text("\n".join(records), encoding="utf-8")
    config = (path / "config.yaml").read_text(encoding="utf-8")
    (old,) = trained.model.data.train
    (path / "config.yaml").write_text(config.replace(str(old), str(rows)), encoding="utf-8")
    metrics = json.loads((path / "metrics.json").read_text(encoding="utf-8"))
    metrics.update(accuracy=0.8, examples=100, train_rows=600)
    (path / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    line = gain_line(open_model(path), 300)
    assert line.startswith("300 more labels would bring +")
    assert "all 900 rows" in line
    (path / "metrics.json").write_text("[]", encoding="utf-8")
    assert "is damaged" in gain_line(open_model(path), 300)
    (path / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    rows.unlink()
    assert "training files of the run are not here" in gain_line(open_model(path), 300)
