import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasbert.corpus import CorpusSettings, Document
from kerasbert.corpus.tokenize import TokenizedDocument, Tokenizer
from kerasbert.text import SPECIAL_TOKENS, TextGraph, WordPieceVocabulary, learn_sentencepiece

VOCABULARY = WordPieceVocabulary([*SPECIAL_TOKENS, *"我们在北京大学习，。", "play", "##ing", "##s", "a"])


def tokenize(sentence: str, words: str = "characters", vocabulary=VOCABULARY):
    tokenizer = Tokenizer(vocabulary, CorpusSettings(words=words))
    (document,) = tokenizer([Document("0", (sentence,))])
    return document.sentences[0] if document.sentences else None


def shown(sentence, vocabulary=VOCABULARY) -> str:
    parts = [
        ("|" if starts else "") + vocabulary.tokens[index].removeprefix("##")
        for index, starts in zip(sentence.ids, sentence.starts, strict=True)
    ]
    return "".join(parts)


def test_pieces_of_a_word_belong_together():
    assert shown(tokenize("我 playing, a")) == "|我|playing|[UNK]|a"


def test_jieba_words_belong_together():
    pytest.importorskip("jieba", reason="the [segment] extra is not installed")
    assert shown(tokenize("我们在北京大学学习，playing。", "jieba")) == "|我们|在|北京大学|学习|，|playing|。"


@pytest.mark.process
def test_pieces_of_sentencepiece_make_up_words():
    text = "我们在北京大学学习，playing play。"
    vocabulary = learn_sentencepiece(lambda: [text], 40, 1, longest_piece=1)
    assert shown(tokenize(text, vocabulary=vocabulary), vocabulary) == (
        "|我|们|在|北|京|大|学|学|习|,|playing|▁play|。"
    )
    pytest.importorskip("jieba", reason="the [segment] extra is not installed")
    assert shown(tokenize(text, "jieba", vocabulary), vocabulary) == (
        "|我们|在|北京大学|学习|,|playing|▁play|。"
    )


def test_without_jieba_the_error_says_how_to_get_it(monkeypatch):
    import sys

    from kerasbert.errors import UserError

    monkeypatch.setitem(sys.modules, "jieba", None)
    with pytest.raises(UserError, match=r"pip install 'kerasbert\[segment\]'"):
        Tokenizer(VOCABULARY, CorpusSettings(words="jieba"))


@pytest.mark.process
@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=20), min_size=1, max_size=5))
def test_ids_are_those_of_the_text_graph(sentences):
    tokenizer = Tokenizer(VOCABULARY, CorpusSettings())
    documents = [Document(str(n), (sentence, sentence)) for n, sentence in enumerate(sentences)]
    texts = [s.encode("utf-8", "replace") for s in sentences]
    wanted = TextGraph(VOCABULARY, 16).tokenize(tf.constant(texts)).to_list()
    for document, ids in zip(tokenizer(documents), wanted, strict=True):
        assert [s.ids for s in document.sentences] == ([ids, ids] if ids else [])
        assert all(len(s.ids) == len(s.starts) and s.starts[0] for s in document.sentences)


def test_added_tokens_are_words():
    vocabulary = WordPieceVocabulary([*SPECIAL_TOKENS, "感", "冒", "感冒", "<e1>"])
    tokenizer = Tokenizer(vocabulary, CorpusSettings(added_tokens=["感冒"], special_tokens=["<e1>"]))
    (document,) = tokenizer([Document("a", ["<e1>感冒感"])])
    (sentence,) = document.sentences
    assert sentence.ids == [8, 7, 5]
    assert sentence.starts == [True, True, True]


def test_bytes_bring_a_document_back():
    document = TokenizedDocument("7", [tokenize("我playing。"), tokenize("在")])
    assert TokenizedDocument.from_bytes(document.to_bytes()) == document
