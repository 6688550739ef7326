"""Added tokens, held to the `tokenizers` library, which Transformers uses."""

import functools
import random
import sys
import unicodedata

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from kerasbert.errors import VocabularyError
from kerasbert.text import SPECIAL_TOKENS, TextGraph, WordPieceVocabulary

NORMALIZED = ("感冒", "<X>", "Café", "A股", "a b", "新冠", "B")
SPECIAL = ("<e1>", "<Q>", "e1>手", "[E]")
TOKENS = WordPieceVocabulary(
    [*SPECIAL_TOKENS, *"手机感冒新冠病abcdxe12<>/股.", "##a", "##b", "##e", "play", *NORMALIZED, *SPECIAL]
)
PARTS = (
    "感冒", "感", "冒", "<X>", "<x>", "<e1>", "e1>", "手", "<Q>", "<q>", "Café", "café", "cafe", "A股", "a股",
    "股", "a b", "A B", "a", " ", "[E]", "[e]", "\u0301", "。", "\x00", "\ue000", "\uf8ff", "　", "\n",
)  # fmt: skip
# What changed since Unicode 3.2 the two libraries may see differently: test_normalize.py lists that.
OLD = [
    c
    for c in map(chr, range(sys.maxunicode + 1))
    if unicodedata.category(c) == unicodedata.ucd_3_2_0.category(c) not in ("Cn", "Cs")
]


@functools.cache
def graph(lowercase: bool):
    ours = TextGraph(TOKENS, 32, lowercase=lowercase, added_tokens=NORMALIZED, special_tokens=SPECIAL)
    tokenize = tf.function(ours.tokenize, input_signature=[tf.TensorSpec([None], tf.string)])
    return lambda texts: tokenize(tf.constant(texts, tf.string)).to_list()


@functools.cache
def oracle(lowercase: bool):
    ids = {token: i for i, token in enumerate(TOKENS.tokens)}
    tokenizer = Tokenizer(WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.add_tokens([AddedToken(token, normalized=True) for token in NORMALIZED])
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in SPECIAL])
    assert tokenizer.get_vocab_size() == len(TOKENS)
    return lambda texts: [row.ids for row in tokenizer.encode_batch(texts)]


@pytest.mark.parametrize("lowercase", [True, False])
def test_ids_are_those_of_tokenizers(lowercase: bool):
    draw = random.Random(0)
    texts = ["", *PARTS, *("".join(draw.choices(PARTS, k=draw.randint(1, 10))) for _ in range(2000))]
    pairs = zip(texts, graph(lowercase)(texts), oracle(lowercase)(texts), strict=True)
    assert [text for text, ours, theirs in pairs if ours != theirs] == []


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(st.sampled_from(OLD)), max_size=8), st.booleans())
def test_ids_of_any_text_are_those_of_tokenizers(texts: list[str], lowercase: bool):
    assert graph(lowercase)(texts) == oracle(lowercase)(texts)


def test_the_tokens_of_bert_itself_are_not_found_in_texts():
    assert graph(True)(["[SEP]"]) != [[TOKENS.sep]]


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (["nowhere"], "'nowhere' is not in the vocabulary"),
        (["[SEP]"], "must not be found in texts"),
        (["##a"], "cannot be found in texts"),
        (["感冒", "感冒"], "more than once"),
        (["E", "É"], "'E' normalises to 'e'"),
    ],
)
def test_what_cannot_be_found_is_refused_by_name(tokens: list[str], message: str):
    vocabulary = WordPieceVocabulary([*TOKENS.tokens, "E", "É"])
    with pytest.raises(VocabularyError, match=message):
        TextGraph(vocabulary, 32, added_tokens=tokens)
