import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kerasbert.curation.duplicates import members, near_duplicates


def test_texts_that_differ_in_a_few_characters_are_one_group():
    long = "这家酒店的房间非常干净服务员也很热情早餐种类丰富交通方便下次还会选择入住推荐给大家"
    texts = [long, "完全不同的一句话", long.replace("大家", "朋友"), "", long, "   ", ""]
    groups = near_duplicates(texts)
    assert groups.tolist() == [0, 1, 0, 3, 0, 5, 3]
    assert members(groups) == [[0, 2, 4], [3, 6]]


def test_short_texts_that_differ_are_apart():
    assert members(near_duplicates(["很好", "很坏", "好", "坏", "好很"])) == []


def test_the_order_of_many_alike_does_not_matter():
    texts = [
        f"您的验证码是{n:06d}请在十分钟内输入请勿告诉他人如非本人操作请忽略本短信谢谢" for n in range(300)
    ]
    assert len(set(near_duplicates(texts).tolist())) == 1


@given(st.lists(st.text(max_size=8), max_size=20))
def test_equal_texts_are_always_together(texts):
    groups = near_duplicates(texts)
    for i, one in enumerate(texts):
        assert groups[i] <= i
        assert all(groups[i] == groups[j] for j, other in enumerate(texts) if one == other)
    assert np.array_equal(groups[groups], groups)
