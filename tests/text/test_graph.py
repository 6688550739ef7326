"""Token ids, held to the `tokenizers` library's BERT tokenizer on real and on awkward strings."""

from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import BertWordPieceTokenizer, Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from kerasbert.text import SPECIAL_TOKENS, TextGraph, Vocabulary, WordPieceVocabulary

Tokenize = Callable[[list[str]], list[list[int]]]


def in_graph(graph: TextGraph) -> Tokenize:
    function = tf.function(graph.tokenize, input_signature=[tf.TensorSpec([None], tf.string)])
    return lambda texts: function(tf.constant(texts, tf.string)).to_list()


def oracle(vocabulary: Vocabulary, lowercase: bool) -> Tokenize:
    """The library without its search for "[CLS]" and the like inside texts."""
    ids = {token: i for i, token in enumerate(vocabulary.tokens)}
    tokenizer = Tokenizer(WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return lambda texts: [row.ids for row in tokenizer.encode_batch(texts)]


# --- real lines ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "file", ["chnsenticorp/train.tsv", "thucnews_titles/train.tsv", "spam_sms/train.tsv", "corpus_sample.txt"]
)
def test_ids_of_real_lines_equal_tokenizers(file: str, shared_data: Path):
    vocab = shared_data / "vocab" / "vocab.txt"
    lines = (shared_data / file).read_text(encoding="utf-8").split("\n")[:4000]
    theirs = [
        row.ids
        for row in BertWordPieceTokenizer(str(vocab), lowercase=True).encode_batch(
            lines, add_special_tokens=False
        )
    ]
    ours = in_graph(TextGraph(WordPieceVocabulary.load(vocab), max_length=128))(lines)
    # Line numbers only: the rows of some files are not to be shown.
    differing = [number for number, (a, b) in enumerate(zip(ours, theirs, strict=True), 1) if a != b]
    assert sum(map(len, theirs)) > 30_000
    assert not differing, f"{len(differing)} of {len(lines)} lines differ, first lines {differing[:5]}"


# --- awkward strings ----------------------------------------------------------------------------------

AWKWARD = [
    "",
    " ",
    " \t\r\n\u3000\xa0 ",
    "今天天气很好，出去玩吧！",
    "資訊科技與軟體開發——繁體中文「測試」",
    "Playing played PLAYING plays player",
    "Ａｐｐｌｅ１２３　全角！？：（）",
    "café naïve Ångström ŁÓDŹ Ñandú İstanbul ẞ ß ǅ ﬁ",
    "cafe\u0301 e\u0302\u0301 \u0301 \u0301x x\u0301\u0301\u0301",
    "ひらがなカタカナ ﾊﾝｶｸｶﾞ が プログラミング言語",
    "한국어 형태소 각 값",
    "Привет Ёлка й Й",
    "हिन्दी ไทย עִבְרִית العَرَبِيَّة",
    "2024年12月31日 3.1415 1,000,000 ½ ² Ⅷ ① 四",
    "㐀㐁 𠀀𠀁 𪛖 𪜀 𫝀 豈 你",
    "中a国b1人c。d",
    "😀😃 👨‍👩‍👧‍👦 🇨🇳 👍🏽 ❤️ ☺",
    "a\u200db\u200cc\u200bd\ufeffe\u00adf\u2060g\u200eh",
    "\ufeff今天",
    "a\ufffdb \ufffd",
    "a\x00b\x00 \x00",
    "a\x01b\x1fc\x7fd\x80e\x85f\x9fg",
    "line\nbreak\rand\ttab\x0b\x0c\x1c\x1d",
    "a\u2028b\u2029c",
    "\ue000\uf8ff \U000f0000",
    "“好”‘好’…—·《》、；：",
    "a$b+c<d=e>f^g`h|i~j",
    "!!! ??? ... --- ###",
    "##ing ##b # #",
    "[UNK] [CLS] [SEP] [PAD] [MASK]",
    "http://example.com/a?b=c&d=e user@example.com C++ .NET",
    "\U0001d400\U0001d401 \U00010330\U00010331 \U0001f1e8\U0001f1f3",
    "x" * 100,
    "x" * 101,
    "é" * 100,
    "é" * 101,
    "ж" * 100,
    "ж" * 101,
    "\U00010330" * 100,
    "\U00010330" * 101,
    "e\u0301" * 100,
    "e\u0301" * 101,
    "가" * 33,
    "가" * 50,
    "中" * 300,
    "好a" * 50_000,
    "x" * 100_000,
    " " * 100_000,
]
LETTERS = sorted(
    {c for t in AWKWARD for form in (t, t.lower()) for c in form if c.isprintable()} - set(" \ufffd")
)
PIECES = [
    "play",
    "##ing",
    "##ed",
    "##er",
    "cafe",
    "café",
    "##0",
    "##00",
    "ein",
    "##国",
    "今天",
    "xxx",
    "##xx",
]


def awkward_vocabulary() -> Vocabulary:
    """Returns a vocabulary of most letters above, so that some words stay unknown."""
    letters = [letter for i, letter in enumerate(LETTERS) if i % 13]
    tokens = [
        *SPECIAL_TOKENS,
        *letters,
        *(f"##{letter}" for letter in letters),
        *PIECES,
        "e",
        "##e",
        "x",
        "##x",
    ]
    tokens += ["ж", "##ж", "\U00010330", "##\U00010330", "ᄀ", "ᅡ", "##ᄀ", "##ᅡ", "é", "##é", "가", "##가"]
    return WordPieceVocabulary(dict.fromkeys(tokens))


@pytest.mark.parametrize("lowercase", [True, False], ids=["uncased", "cased"])
def test_ids_of_awkward_strings_equal_tokenizers(lowercase: bool):
    vocabulary = awkward_vocabulary()
    ours = in_graph(TextGraph(vocabulary, 16, lowercase=lowercase))(AWKWARD)
    theirs = oracle(vocabulary, lowercase)(AWKWARD)
    for text, a, b in zip(AWKWARD, ours, theirs, strict=True):
        assert a == b, f"{text[:40]!a} ({len(text)} characters)"
    used = {i for row in theirs for i in row}
    assert vocabulary.unk in used
    assert len(used) > 150


@pytest.mark.parametrize("letter", ["x", "é", "ж", "가", "\U00010330"])
def test_a_word_of_100_characters_is_split_and_one_of_101_is_unknown(letter: str):
    vocabulary = WordPieceVocabulary([*SPECIAL_TOKENS, letter, f"##{letter}"])
    tokenize = in_graph(TextGraph(vocabulary, 16, lowercase=False))
    assert tokenize([letter * 100, letter * 101]) == [[5, *[6] * 99], [vocabulary.unk]]


def test_a_word_too_long_is_unknown_even_if_the_vocabulary_holds_the_replacement_character():
    vocabulary = WordPieceVocabulary([*SPECIAL_TOKENS, "\ufffd", "x", "##x"])
    assert in_graph(TextGraph(vocabulary, 16))(["x" * 101]) == [[vocabulary.unk]]


def test_special_tokens_inside_a_text_are_text():
    """The library would let a text end itself with "[SEP]"; here the brackets are punctuation."""
    vocabulary = WordPieceVocabulary([*SPECIAL_TOKENS, "[", "]", "sep"])
    ids = {token: i for i, token in enumerate(vocabulary.tokens)}
    theirs = BertWordPieceTokenizer(ids, lowercase=True).encode("[SEP]", add_special_tokens=False).ids
    assert theirs == [vocabulary.sep]
    assert in_graph(TextGraph(vocabulary, 16))(["[SEP]"]) == [[5, 7, 6]]


def pieces_of(alphabet: str) -> st.SearchStrategy[list[str]]:
    piece = st.builds(str.__add__, st.sampled_from(["", "##"]), st.text(alphabet, min_size=1, max_size=4))
    return st.lists(piece, max_size=12, unique=True)


@settings(deadline=None, max_examples=40)
@given(pieces=pieces_of("ab中é"), texts=st.lists(st.text("ab中é ", max_size=10), min_size=20, max_size=40))
def test_wordpiece_equals_tokenizers_with_any_vocabulary(pieces: list[str], texts: list[str]):
    vocabulary = WordPieceVocabulary([*SPECIAL_TOKENS, *pieces])
    ours = TextGraph(vocabulary, 16, lowercase=False).tokenize(tf.constant(texts)).to_list()
    assert ours == oracle(vocabulary, lowercase=False)(texts)


# --- the whole graph ----------------------------------------------------------------------------------


@pytest.fixture
def hotel() -> TextGraph:
    return TextGraph(WordPieceVocabulary([*SPECIAL_TOKENS, *"今天气很好酒店"]), max_length=16)


def test_a_call_adds_special_tokens_and_pads(hotel: TextGraph):
    inputs = hotel(tf.constant(["今天", "酒店很好吗，今天"]))
    assert {value.dtype for value in inputs.values()} == {tf.int32}
    assert inputs["token_ids"].numpy().tolist() == [
        [2, 5, 6, 3] + [0] * 12,
        [2, 10, 11, 8, 9, 1, 1, 5, 6, 3] + [0] * 6,
    ]
    assert inputs["padding_mask"].numpy().sum(axis=1).tolist() == [4, 10]
    assert not inputs["segment_ids"].numpy().any()


def test_a_call_with_pairs_marks_the_second_segment(hotel: TextGraph):
    inputs = hotel(tf.constant(["今天"]), tf.constant(["好"]))
    assert inputs["token_ids"].numpy().tolist() == [[2, 5, 6, 3, 9, 3, 0, 0]]
    assert inputs["segment_ids"].numpy().tolist() == [[0, 0, 0, 0, 1, 1, 0, 0]]


def test_an_empty_batch_is_no_error(hotel: TextGraph):
    function = tf.function(hotel.__call__, input_signature=[tf.TensorSpec([None], tf.string)])
    assert function(tf.constant([], tf.string))["token_ids"].shape[0] == 0


def test_clean_sees_valid_utf8_before_everything_else():
    seen = []

    def clean(text: tf.Tensor) -> tf.Tensor:
        seen.append(text.numpy().tolist())
        return tf.strings.regex_replace(text, "坏", "好")

    graph = TextGraph(WordPieceVocabulary([*SPECIAL_TOKENS, *"好坏"]), 8, clean=clean)
    assert graph.tokenize(tf.constant([b"\xff\xe5\x9d\x8f"])).to_list() == [[5]]
    assert seen == [["\ufffd坏".encode()]]


def test_rows_do_not_depend_on_their_neighbours(hotel: TextGraph):
    texts = ["今天\ufffd", "", "x" * 500, "很好。"]
    together = hotel.tokenize(tf.constant(texts)).to_list()
    assert together == [hotel.tokenize(tf.constant([text])).to_list()[0] for text in texts]


def test_a_saved_module_gives_the_same_ids(hotel: TextGraph, tmp_path: Path):
    module = tf.Module()
    module.graph = hotel
    module.serve = tf.function(
        lambda text: hotel(text)["token_ids"], input_signature=[tf.TensorSpec([None], tf.string)]
    )
    tf.saved_model.save(module, str(tmp_path / "saved"))
    texts = tf.constant(["今天\0天气", "", b"\xff\xe5\x9d\x8f"])
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    assert (loaded.serve(texts) == hotel(texts)["token_ids"]).numpy().all()
