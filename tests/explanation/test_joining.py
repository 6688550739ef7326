from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from kerasbert.explanation import join_characters
from kerasbert.text.segment import word_segmenter


def record(words: list[str], text: str | None = None, **values) -> dict:
    read = [{"word": word, "attribution": float(2**place)} for place, word in enumerate(words)]
    return {"text": "".join(words) if text is None else text, "words": read, **values}


@cache  # it reads its dictionary
def segmenter():
    return word_segmenter("")


def joined(words: list[str], text: str | None = None) -> list[tuple[str, float]]:
    found = join_characters(record(words, text), segmenter())["words"]
    return [(of["word"], of["attribution"]) for of in found]


def test_characters_become_words_and_their_attributions_add_up():
    assert joined(list("隔音失望")) == [("隔音", 3), ("失望", 12)]
    assert joined(["iphone", "手", "机", ",", "好"]) == [("iphone", 1), ("手机", 6), (",", 8), ("好", 16)]


def test_words_of_the_vocabulary_stay():
    assert joined(["手机", "很", "[UNK]", "满意"]) == [("手机", 1), ("很", 2), ("[UNK]", 4), ("满意", 8)]


def test_what_is_apart_in_the_text_is_not_joined():
    assert joined(["手", "机"], "手 机") == [("手", 1), ("机", 2)]
    assert joined(["手", "机"], "手" + "很" * 50 + "机") == [("手", 1), ("机", 2)]


def test_both_texts_are_joined_and_the_record_is_left_as_it_is():
    given = record(list("手机"), pair="酒店", pair_words=record(list("酒店"))["words"])
    found = join_characters(given, segmenter())
    assert [of["word"] for of in found["pair_words"]] == ["酒店"]
    assert len(given["words"]) == len(given["pair_words"]) == 2


@settings(deadline=None)  # jieba reads its dictionary when it is first asked
@given(st.text("手机酒店很好a1,𠮷 ", max_size=12))
def test_nothing_is_lost(text):
    characters = [character for character in text if character != " "]
    found = joined(characters, text)
    assert "".join(word for word, _ in found) == "".join(characters)
    assert sum(attribution for _, attribution in found) == 2 ** len(characters) - 1
