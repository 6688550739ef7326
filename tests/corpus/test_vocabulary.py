import pytest

from kerasbert.corpus import train_vocabulary
from kerasbert.errors import DataError
from kerasbert.text import SPECIAL_TOKENS


def test_special_tokens_then_characters_then_pieces(learned):
    tokens = learned.tokens
    assert tokens[: len(SPECIAL_TOKENS)] == SPECIAL_TOKENS
    assert {"老", "师", "，", "。"} <= set(tokens)
    assert not any(len(token) > 1 and "\u4e00" <= token[0] <= "\u9fff" for token in tokens)


def test_rare_characters_are_left_out(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("天天天天天\n地\n", encoding="utf-8")
    tokens = train_vocabulary([path], size=100, min_count=5)[0].tokens
    assert "天" in tokens
    assert "地" not in tokens


def test_case_is_kept_on_request(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("Ab Ab Ab\n", encoding="utf-8")
    assert "Ab" in train_vocabulary([path], size=100, min_count=1, lowercase=False)[0].tokens
    assert "ab" in train_vocabulary([path], size=100, min_count=1)[0].tokens


def test_no_text_is_an_error(tmp_path):
    path = tmp_path / "a.txt"
    path.touch()
    with pytest.raises(DataError, match="there is no text in"):
        train_vocabulary([path])


def test_unreadable_lines_are_counted(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "天"}\n{\n{"text": 1}\n{"text": "地"}\n', encoding="utf-8")
    vocabulary, unreadable = train_vocabulary([path], size=100, min_count=1)
    assert {"天", "地"} <= set(vocabulary.tokens)
    assert unreadable == 2
