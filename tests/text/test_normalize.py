"""The words before WordPiece, held to the `tokenizers` library and to Google's own rules."""

import functools
import unicodedata
from collections.abc import Callable, Iterable

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from kerasbert.text import SPECIAL_TOKENS, TextGraph, WordPieceVocabulary
from kerasbert.text.normalize import ascii_punctuation, spaced_words, valid_utf8

CASES = pytest.mark.parametrize("lowercase", [True, False], ids=["uncased", "cased"])


@functools.cache
def graph(lowercase: bool = True, ascii_punctuation: bool = False) -> Callable[[tf.Tensor], tf.RaggedTensor]:
    text = TextGraph(WordPieceVocabulary(SPECIAL_TOKENS), 16, lowercase, ascii_punctuation)
    return tf.function(text.words, input_signature=[tf.TensorSpec([None], tf.string)])


def words(texts: list[str] | list[bytes], **options: bool) -> list[list[str]]:
    found = graph(**options)(tf.constant(texts, tf.string))
    return [[word.decode() for word in row] for row in found.to_list()]


def tokenizers_words(texts: Iterable[str], lowercase: bool = True) -> list[list[str]]:
    normalizer, splitter = BertNormalizer(lowercase=lowercase), BertPreTokenizer()
    return [[w for w, _ in splitter.pre_tokenize_str(normalizer.normalize_str(t))] for t in texts]


# --- every code point ---------------------------------------------------------------------------------


def code_points(ranges: str) -> set[int]:
    found: set[int] = set()
    for part in ranges.split():
        first, _, last = part.partition("-")
        found |= set(range(int(first, 16), int(last or first, 16) + 1))
    return found


# The library's tables and TensorFlow's are of different Unicode versions. Where this Python's
# `unicodedata` may not know a code point yet, the differences are listed one by one.
#
# Capital letters that got a small one in Unicode 14 to 17: the library knows it (Rust's tables), the
# ICU in TensorFlow 2.21 (Unicode 13) leaves them as they are.
NEW_CAPITALS = code_points(
    "1C89 2C2F A7C0 A7CB-A7CC A7CE A7D0 A7D2 A7D4 A7D6 A7D8 A7DA A7DC"
    " 10570-1057A 1057C-1058A 1058C-10592 10594-10595 10D50-10D65 16EA0-16EB8"
)
# Punctuation of Unicode 15 and later: RE2 knows it, the library's table ends with Unicode 8.
NEW_PUNCTUATION = code_points("11B00-11B09 11F43-11F4F")
# Marks and format characters of Unicode 15 and later: removed here, unknown to the library.
NEW_MARKS = code_points(
    "0ECE 10EFD-10EFF 11241 11F00-11F01 11F36-11F3A 11F40 11F42 13440 13447-13455 1E08F 1E4EC-1E4EF"
)
NEW_FORMAT_CHARACTERS = code_points("13439-1343F")
# Characters with a decomposition since Unicode 16: tensorflow-text applies it, the library does not.
NEW_DECOMPOSITIONS = code_points(
    "105C9 105E4 11383 11385 1138E 11391 113C5 113C7-113C8 16121-16128 16D68-16D6A"
)
# BERT's table of Chinese characters begins Extension E at U+2B820; the library has a slip of the pen
# there, U+2B920.
EXTENSION_E_SLIP = code_points("2B820-2B91F")


def google_words(text: str, lowercase: bool) -> list[str]:
    """`BasicTokenizer` of google-research/bert, with this Python's Unicode tables.

    Private-use characters go, as in the libraries that followed; unassigned ones stay.
    """
    kept = (c for c in text if c in "\t\n\r" or unicodedata.category(c) not in ("Cc", "Cf", "Co"))
    text = "".join(f" {c} " if is_chinese(ord(c)) else c for c in kept if c != "\ufffd")
    result = []
    for token in text.split():
        if lowercase:
            decomposed = unicodedata.normalize("NFD", token.lower())
            token = "".join(c for c in decomposed if unicodedata.category(c) != "Mn")
        result += "".join(f" {c} " if is_punctuation(c) else c for c in token).split()
    return result


def is_chinese(code: int) -> bool:
    ranges = (
        (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F),
        (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
    )  # fmt: skip
    return any(first <= code <= last for first, last in ranges)


def is_punctuation(c: str) -> bool:
    return "!" <= c <= "/" or ":" <= c <= "@" or "[" <= c <= "`" or "{" <= c <= "~" or (
        unicodedata.category(c).startswith("P")
    )  # fmt: skip


def is_justified(code: int, ours: str, lowercase: bool) -> bool:
    c = chr(code)
    if code in NEW_CAPITALS:
        return lowercase and ours == f"a{c}b"
    if code in NEW_PUNCTUATION or code in EXTENSION_E_SLIP:
        return ours == f"a {c} b"
    if code in NEW_MARKS:
        return lowercase and ours == "ab"
    if code in NEW_FORMAT_CHARACTERS:
        return ours == "ab"
    if code in NEW_DECOMPOSITIONS:
        return lowercase
    # What is left: marks, punctuation and format characters of Unicode 9 to 14, and a few that changed
    # their category, are unknown to the library. Google's rules with newer tables decide.
    return unicodedata.category(c) != "Cn" and ours == " ".join(google_words(f"a{c}b", lowercase))


def sweep(lowercase: bool) -> list[tuple[int, str, str]]:
    """Returns the code points whose words differ from the library's, with both answers."""
    # Planes 4 to 13 are unassigned and have no case: once is enough.
    planes = range(17) if lowercase else (0, 1, 2, 3, 14, 15, 16)
    codes = [
        c for plane in planes for c in range(plane << 16, (plane + 1) << 16) if not 0xD800 <= c <= 0xDFFF
    ]
    texts = [f"a{chr(c)}b" for c in codes]
    # Many texts in one string are faster; no text gives the word 1.
    joined = [" 1 ".join(texts[start : start + 64]) for start in range(0, len(texts), 64)]
    found = tf.strings.reduce_join(graph(lowercase)(tf.constant(joined)), axis=-1, separator=" ").numpy()
    ours = [words for row in found for words in row.decode().split(" 1 ")]
    theirs = [" ".join(row) for row in tokenizers_words(texts, lowercase)]
    return [(c, a, b) for c, a, b in zip(codes, ours, theirs, strict=True) if a != b]


@pytest.mark.process
@CASES
def test_every_code_point_is_treated_as_tokenizers_does_but_for_the_listed(lowercase: bool):
    differences = sweep(lowercase)
    unexplained = [
        (f"U+{code:04X}", ascii(ours), ascii(theirs))
        for code, ours, theirs in differences
        if not is_justified(code, ours, lowercase)
    ]
    assert unexplained == []
    # The slip is there: the sweep does see differences.
    assert {code for code, _, _ in differences} >= EXTENSION_E_SLIP


def test_googles_rules_in_this_file_agree_with_tokenizers_on_assigned_characters_of_old():
    texts = [f"a{chr(c)}b" for c in range(0x3000) if unicodedata.ucd_3_2_0.category(chr(c)) != "Cn"]
    texts += [f"a{c}b" for c in "中㐀豈𠀀𪛖！，。［］｛｝Ａéß가"]
    moved = {"\u0085"}  # str.split takes it for a space, but it is removed before
    different = [
        t
        for t, theirs in zip(texts, tokenizers_words(texts), strict=True)
        if google_words(t, True) != theirs and t[1] not in moved
    ]
    # These changed their category after the library's Unicode 8.
    assert {unicodedata.name(t[1]) for t in different} <= {
        "CANADIAN SYLLABICS CHI SIGN",
        "HANUNOO SIGN PAMUDPOD",
        "MONGOLIAN VOWEL SEPARATOR",
        "MONGOLIAN LETTER ALI GALI BALUDA",
        "MONGOLIAN LETTER ALI GALI THREE BALUDA",
    }


def test_a_final_sigma_is_lowered_as_google_does():
    """`str.lower` in Google's code and ICU look at the neighbours; the library lowers each letter."""
    texts = ["ΟΔΟΣ", "ΟΔΟΣ ΑΣΒ", "ΑΣ.Β", "Σ"]
    assert words(texts) == [google_words(t, True) for t in texts]
    assert words(["ΑΣΒ", "Σ"]) == tokenizers_words(["ΑΣΒ", "Σ"])


# --- strings ------------------------------------------------------------------------------------------

# Characters of the kinds that matter; none with a difference listed above.
TRICKY = st.sampled_from(
    "aZ09é́ÅİßǅﬁΩж中文國體㐀豈𠀀𪜀がカｶﾞ가각ㄱไम๛ , .!?，。！？、“”‘’…—·《》#@$+|~^`"
    "\t\n\r\x0b\x0c\x00\x01\x1f\x7f\x85\xa0\xad\u0300\u0345\u200b\u200c\u200d\u200e\u2028\u2029\u202e\u202f"
    "\u2060\u3000\ufe0f\ufeff\ufffc\ufffd\ufffe\U0001f600\U0001f468\U0001f3fb\U0001f1e8\U000e0067\U0010ffff"
)


@CASES
@settings(deadline=None, max_examples=40)
@given(texts=st.lists(st.text(TRICKY, max_size=12), min_size=20, max_size=40))
def test_words_of_tricky_strings_equal_tokenizers(lowercase: bool, texts: list[str]):
    assert words(texts, lowercase=lowercase) == tokenizers_words(texts, lowercase)


NEW = NEW_CAPITALS | NEW_PUNCTUATION | NEW_MARKS | NEW_FORMAT_CHARACTERS | NEW_DECOMPOSITIONS
KNOWN_BYTES = st.binary(max_size=20).filter(lambda t: not NEW & set(map(ord, t.decode("utf-8", "replace"))))


@settings(deadline=None, max_examples=40)
@given(texts=st.lists(KNOWN_BYTES, min_size=20, max_size=40))
def test_random_bytes_are_read_as_python_reads_them(texts: list[bytes]):
    assert words(texts) == [google_words(t.decode("utf-8", "replace"), True) for t in texts]


BROKEN = st.sampled_from(
    [
        b"\xe4\xbd",
        b"\xe4",
        b"\xff",
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xf0\x9f\x98",
        b"\x80",
    ]
)
SOUND = st.sampled_from(["中", "a", "é", " ", "。", "\0", "\U0001f600", "\ufffd"]).map(str.encode)


@settings(deadline=None, max_examples=40)
@given(texts=st.lists(st.lists(BROKEN | SOUND, max_size=8).map(b"".join), min_size=20, max_size=40))
def test_broken_sequences_take_nothing_else_with_them(texts: list[bytes]):
    assert words(texts) == tokenizers_words(t.decode("utf-8", "replace") for t in texts)


@settings(deadline=None, max_examples=30)
@given(texts=st.lists(st.binary(max_size=20), min_size=1, max_size=20))
def test_valid_utf8_marks_what_is_broken_and_changes_nothing_else(texts: list[bytes]):
    for before, after in zip(texts, valid_utf8(tf.constant(texts, tf.string)).numpy(), strict=True):
        sound = before.decode("utf-8", "ignore")
        assert after.decode().replace("\ufffd", "") == sound.replace("\ufffd", "")
        assert ("\ufffd" in after.decode()) == ("\ufffd" in before.decode("utf-8", "replace"))


def test_nul_does_not_cut_a_text():
    assert words(["今\0天", "\0", "a\0b c", "\0\0x"]) == [["今", "天"], [], ["ab", "c"], ["x"]]


@pytest.mark.parametrize("shape", [(), (2, 2), (0,)])
def test_spaced_words_keeps_the_shape(shape: tuple[int, ...]):
    assert spaced_words(tf.fill(shape, "今天a"), True).shape == shape


# --- punctuation --------------------------------------------------------------------------------------


def test_ascii_punctuation_maps_quotes_dashes_and_the_ellipsis():
    before = "“好”‘好’„‟‚‛…—–―《》，。"
    after = ascii_punctuation(tf.constant(before)).numpy().decode()
    assert after == "\"好\"'好'\"\"''...---《》，。"


def test_ascii_punctuation_is_off_by_default_and_on_when_asked():
    assert words(["“好…”"]) == [["“", "好", "…", "”"]]
    assert words(["“好…”"], ascii_punctuation=True) == [['"', "好", ".", ".", ".", '"']]


@settings(deadline=None, max_examples=30)
@given(text=st.text(st.characters(codec="utf-8"), max_size=30))
def test_ascii_punctuation_touches_nothing_else(text: str):
    mapped = (
        dict.fromkeys("“”„‟", '"') | dict.fromkeys("‘’‚‛", "'") | dict.fromkeys("—–―", "-") | {"…": "..."}
    )
    expected = "".join(mapped.get(c, c) for c in text)
    assert ascii_punctuation(tf.constant(text)).numpy().decode() == expected
