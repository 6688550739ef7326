import sys

import numpy as np
import pytest

from kerasbert.augmentation.homophones import Homophones
from kerasbert.errors import UserError

TEXTS = ["他在家里做作业", "她再来坐一坐", "他们"]


def test_characters_are_exchanged_for_others_that_sound_alike():
    from pypinyin import lazy_pinyin

    homophones = Homophones(TEXTS)
    for seed in range(50):
        new = homophones(TEXTS[0], 0.3, np.random.default_rng(seed))
        assert lazy_pinyin(new) == lazy_pinyin(TEXTS[0])
        changed = [(a, b) for a, b in zip(TEXTS[0], new, strict=True) if a != b]
        assert len(changed) == 2
        assert all(b in "".join(TEXTS) for _, b in changed)


def test_frequent_characters_are_drawn_more_often():
    homophones = Homophones(["在", *["再"] * 9, "载"])
    drawn = [homophones("载", 1.0, np.random.default_rng(seed)) for seed in range(300)]
    assert drawn.count("再") / 300 == pytest.approx(0.9, abs=0.06)


def test_a_text_without_homophones_stays():
    assert Homophones(TEXTS)("abc，123", 0.9, np.random.default_rng(0)) == "abc，123"


def test_without_pypinyin_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pypinyin", None)
    with pytest.raises(UserError, match=r"pip install 'kerasbert\[augment\]'"):
        Homophones(TEXTS)
