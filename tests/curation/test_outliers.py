import random

import numpy as np
import pytest

from kerasbert.curation.outliers import outlier_distances
from kerasbert.curation.review import OUTLIER, Review
from kerasbert.data import Row, Rows

ENCODER = "kerasbert-tiny-zh"
LAWS = [
    "公司合并，应当由合并各方签订合并协议，并编制资产负债表及财产清单。",
    "The quick brown fox jumps over the lazy dog.",
    "人民法院审理行政案件，以法律和行政法规为依据。",
    "SELECT name FROM users WHERE id = 42;",
]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Reviews of hotels, and four texts of other kinds at the end."""
    draw = random.Random(0)
    parts = [
        ("房间", "早餐", "服务", "床", "空调", "位置", "前台", "卫生间", "隔音", "网络"),
        ("很", "不太", "非常", "有点", "真的", "比较", ""),
        ("干净", "好吃", "热情", "舒服", "吵", "方便", "差", "小", "旧", "慢"),
        ("，下次还来。", "，不推荐", "！", "。", "，朋友也这么说", "，性价比高。"),
    ]
    texts = ["".join(draw.choice(of) for of in parts * draw.randint(1, 3)) for _ in range(300)]
    return [Row(text, ("a",), None, "f", line) for line, text in enumerate([*texts, *LAWS])]


def test_texts_of_another_kind_are_farthest(rows):
    distances = outlier_distances(rows, ENCODER)
    assert set(np.argsort(-distances)[:4].tolist()) == {300, 301, 302, 303}
    assert np.median(distances) < 1.5
    # However many rows there are, a row has its distance.
    np.testing.assert_allclose(outlier_distances(rows[:], ENCODER), distances, rtol=1e-5)


def test_equal_texts_and_pairs_have_finite_distances(rows):
    same = [rows[0]] * 200 + [Row("别的", ("a",), None, "f", 1)]
    distances = outlier_distances(same, ENCODER)
    assert np.isfinite(distances).all()
    assert distances.argmax() == 200
    pairs = [Row(row.text, row.labels, "好" if row.line < 250 else LAWS[1], "f", 1) for row in rows[:260]]
    assert np.argsort(-outlier_distances(pairs, ENCODER))[:10].min() >= 250


def test_outliers_come_last_and_no_row_twice(rows):
    labelled = Rows([*rows[:3], Row(rows[2].text, ("b",), None, "f", 9)])
    review = Review(labelled, ("a", "b"), np.full([4, 2], np.nan), outliers=[2, 0])
    assert [(issue.kind == OUTLIER, issue.row.line) for issue in review.issues] == [
        (False, 2),
        (False, 9),
        (True, 0),
    ]
    assert review.summary["outliers"] == 1
