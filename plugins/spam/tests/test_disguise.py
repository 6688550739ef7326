import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from kerasbert_spam.disguise import undisguise

INVISIBLE = "\u00ad\u034f\u115f\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202e\u2060\u2064\u3164\ufe0f\ufeff"
# Han, lower-case Latin, digits, and marks that hide nothing.
PLAIN = "我们明天上午十点开会记得带报表谢谢你的电话号码是多少abcdxyz0123456789 ，。！？"


def plain(text: str) -> str:
    (result,) = undisguise(tf.constant([text])).numpy()
    return result.decode("utf-8")


@settings(deadline=None, max_examples=100)
@given(st.text(PLAIN.replace("，", "").replace("！", "").replace("？", "")))
def test_plain_text_stays(text: str):
    assert plain(text) == text


@settings(deadline=None, max_examples=100)
@given(st.text(PLAIN + "ABCＡＢ１２.·*/-"))
def test_undoing_twice_changes_nothing_more(text: str):
    assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize(
    ("disguised", "expected"),
    [
        ("加ＶＸ：ｄｋ８８８", "加vx:dk888"),
        ("ＱＱ１２３４５６", "qq123456"),
        ("①②③ ⓥⓧ", "123 vx"),
        ("𝐯𝐱𝟖𝟖𝟖", "vx888"),
        ("￥５００", "¥500"),
    ],
)
def test_full_width_circled_and_styled_forms_become_plain(disguised: str, expected: str):
    assert plain(disguised) == expected


@pytest.mark.parametrize("character", [*INVISIBLE, "\uffa0"], ids=lambda c: f"U+{ord(c):04X}")
def test_invisible_characters_go(character: str):
    assert plain(f"低{character}息{character}贷{character}{character}款") == "低息贷款"


@pytest.mark.parametrize(
    ("disguised", "expected"),
    [
        ("сhеар", "cheap"),  # Cyrillic s, ie, a, er
        ("ѕаlе", "sale"),  # Cyrillic dze, a, ie
        ("νірαу", "vipay"),  # Greek nu, Cyrillic i, er, Greek alpha, Cyrillic u
        ("СОРУ", "copy"),  # all Cyrillic capitals
    ],
)
def test_look_alike_letters_become_latin(disguised: str, expected: str):
    assert disguised.lower() != expected
    assert plain(disguised) == expected


@pytest.mark.parametrize("mark", ".·•_*~|+／/\\-")
def test_single_marks_between_characters_go(mark: str):
    assert plain(mark.join("免费领取红包")) == "免费领取红包"


@pytest.mark.parametrize("text", ["3.5元", "2026-01-02", "a.b.c", "第1.第2", "好...的", "他说,你听"])
def test_marks_elsewhere_stay(text: str):
    assert plain(text) == text


@pytest.mark.parametrize(
    "way", ["薇信", "溦信", "徽信", "嶶信", "V信", "v信", "Ｖ信", "微❤️", "薇❤", "v❤", "卫星号"]
)
def test_the_ways_to_write_wechat_become_one(way: str):
    assert plain(f"加{way}详谈") == "加微信详谈"


@pytest.mark.parametrize("way", ["薇.信", "薇\u200b信", "溦·信", "卫.星.号"])
def test_wechat_is_found_under_two_disguises(way: str):
    assert plain(f"加{way}详谈") == "加微信详谈"


@pytest.mark.parametrize("text", ["他在村里很有威信", "卫星发射成功", "收到你的信"])
def test_ordinary_words_do_not_become_wechat(text: str):
    assert plain(text) == text


def test_a_batch_keeps_its_order_and_shape():
    texts = [["ＡＢ", ""], ["\u200b", "加.微.信"]]
    expected = [[b"ab", b""], [b"", "加微信".encode()]]
    assert undisguise(tf.constant(texts)).numpy().tolist() == expected
