import pytest

from kerasbert.language import language, listed, speaking, tr

NAMES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "zh_CN:zh"}, "zh"),
        ({"LANG": "zh_CN.GBK", "LC_MESSAGES": ""}, "zh"),
        ({"LANG": "de_DE"}, "en"),
    ],
)
def test_the_language_is_that_of_the_locale(monkeypatch, variables, found):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert language() == found


def test_what_is_set_comes_before_the_locale(monkeypatch):
    monkeypatch.setenv("LANGUAGE", "zh")
    with speaking("en"):
        assert tr("accuracy") == "accuracy"
        with speaking(None):
            assert tr("accuracy") == "准确率"
        assert language() == "en"


def test_values_are_not_filled_in_twice():
    with speaking("zh"):
        assert tr("report: {path}", path="{0} {x} %s") == "报告：{0} {x} %s"
        assert tr("no such message {path}", path="p") == "no such message p"


def test_long_lists_end_with_their_number():
    assert listed(["a", "b", "c", "d"], 2) == "a, b and 2 more"
    with speaking("zh"):
        assert listed(["a", "b", "c", "d"], 2) == "a、b 等（另有 2 个）"
        assert listed(["a", "b"], 2) == "a、b"
