"""SentencePiece in the graph, held against the `sentencepiece` library."""

import time

import pytest
import sentencepiece
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasbert.text import SentencePieceVocabulary, TextGraph, learn_sentencepiece

from ..support import other_splits

ADVERSARIAL = [
    "",
    " ",
    "  今天  天气 ",
    "Ｆｕｌｌ　ＷＩＤＴＨ １２３",
    "か\u3099 が",
    "ｶﾞｷﾞ ㍿",
    "a\0b",
    "▁ x ▁▁",
    "1" * 500,
    "哈" * 200,
    "😀👍🏽 👨‍👩‍👧",
    "[CLS] [MASK] <s> </s> <mask> <unk> [UNK]",
    "\ufffd\u200b零\u200b宽",
    "naïve café ÀÉ",
    "换\n行\t和\r\n",
    "很长的文本。" * 300,
]


def reference(vocabulary: SentencePieceVocabulary) -> sentencepiece.SentencePieceProcessor:
    return sentencepiece.SentencePieceProcessor(model_proto=vocabulary.content)


def test_ids_are_those_of_the_library(unigram):
    ids = TextGraph(unigram, 16).tokenize(tf.constant(ADVERSARIAL)).to_list()
    assert not other_splits(unigram, ids, reference(unigram).encode(ADVERSARIAL))


@pytest.mark.process
@settings(max_examples=200, deadline=None)
@given(texts=st.lists(st.text(max_size=30), min_size=1, max_size=8))
def test_ids_of_any_text_are_those_of_the_library(unigram, texts):
    ids = TextGraph(unigram, 16).tokenize(tf.constant(texts)).to_list()
    assert not other_splits(unigram, ids, reference(unigram).encode(texts))


def test_long_texts_are_read_in_parts(unigram):
    text = "今天天气" * 5000 + "鑫" * 5000
    ids = TextGraph(unigram, 16).tokenize(tf.constant(["很好", text, "", text[:8192]])).to_list()
    parts = reference(unigram).encode([text[begin : begin + 8192] for begin in range(0, len(text), 8192)])
    assert len(parts) == 4
    assert ids[1] == [id for part in parts for id in part]
    assert ids[3] == parts[0]
    assert (ids[0], ids[2]) == (reference(unigram).encode("很好"), [])


def test_unknown_characters_take_no_longer_than_in_proportion(unigram):
    graph = TextGraph(unigram, 16)

    def seconds(count: int) -> float:
        text = tf.constant(["\0" * count])
        begun = time.process_time()
        graph.tokenize(text)
        return time.process_time() - begun

    seconds(1000)
    assert seconds(1_000_000) < 10  # two minutes in one part


def test_no_text_spells_a_special_token(unigram):
    ids = TextGraph(unigram, 64).tokenize(tf.constant(["[CLS][SEP][MASK][PAD] <s></s><mask>"]))
    special = {unigram.pad, unigram.cls, unigram.sep, unigram.mask}
    assert not special & set(ids.flat_values.numpy().tolist())


def test_invalid_utf_8_reads_as_the_replacement_character(unigram):
    graph = TextGraph(unigram, 16)
    ids = graph.tokenize(tf.constant([b"\xff\xfe \xe4\xbd", "\ufffd\ufffd \ufffd".encode()])).to_list()
    assert ids[0] == ids[1]


def test_the_pieces_of_words_are_those_of_the_text(unigram):
    graph = TextGraph(unigram, 16)
    texts = tf.constant(ADVERSARIAL)
    words, pieces = graph.split(texts)
    assert pieces.merge_dims(1, 2).to_list() == graph.tokenize(texts).to_list()
    assert words.row_lengths().numpy().tolist() == pieces.row_lengths().numpy().tolist()
    assert b"" not in words.flat_values.numpy()


def test_letters_are_words_up_to_a_space_and_chinese_pieces_are_words():
    texts = ["ab cd, 今天天气", "abcd ab", "今天 天气 ab今天"]
    vocabulary = learn_sentencepiece(lambda: texts * 5, 32, 1)
    words = TextGraph(vocabulary, 16).words(tf.constant(["abcd abab, 天气x1"]))
    assert [word.decode() for word in words.to_list()[0]] == ["abcd", "abab", ",", "天气", "x1"]


def test_an_empty_batch(unigram):
    graph = TextGraph(unigram, 16)
    words, pieces = graph.split(tf.constant([], tf.string))
    assert words.shape[0] == pieces.shape[0] == 0
    assert graph(tf.constant([], tf.string))["token_ids"].shape[0] == 0


def test_a_row_is_as_in_bert(unigram):
    row = TextGraph(unigram, 16)(tf.constant(["今天"]), tf.constant(["手机"]))
    spelled = [unigram.tokens[index] for index in row["token_ids"][0]]
    assert spelled[:5] == ["[CLS]", "今天", "[SEP]", "手机", "[SEP]"]
    assert row["segment_ids"][0].numpy().tolist() == [0, 0, 0, 1, 1, 0, 0, 0]


@pytest.mark.process
def test_it_is_saved_inside_the_model(unigram, tmp_path):
    module = tf.Module()
    module.graph = TextGraph(unigram, 16)
    module.tokenize = tf.function(
        lambda text: module.graph(text)["token_ids"], input_signature=[tf.TensorSpec([None], tf.string)]
    )
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    texts = tf.constant(ADVERSARIAL)
    assert (loaded.tokenize(texts) == module.tokenize(texts)).numpy().all()
    assert not list(tmp_path.rglob("*.model"))


def test_a_graph_outlives_a_new_seed(unigram):
    graph = tf.function(TextGraph(unigram, max_length=16), input_signature=[tf.TensorSpec([None], tf.string)])
    before = graph(["手机很好"])["token_ids"].numpy()
    tf.random.set_seed(1)  # as every training does
    assert graph(["手机很好"])["token_ids"].numpy().tolist() == before.tolist()
