import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasbert.errors import VocabularyError
from kerasbert.text import SPECIAL_TOKENS, WordPieceVocabulary


def test_ids_are_the_places_of_the_tokens():
    vocabulary = WordPieceVocabulary(["a", "[MASK]", "[SEP]", "[CLS]", "[UNK]", "[PAD]", "b"])
    assert len(vocabulary) == 7
    assert [vocabulary.pad, vocabulary.unk, vocabulary.cls, vocabulary.sep, vocabulary.mask] == [
        5,
        4,
        3,
        2,
        1,
    ]


@pytest.mark.parametrize("missing", SPECIAL_TOKENS)
def test_a_missing_special_token_is_named(missing: str):
    with pytest.raises(VocabularyError, match=f"lacks \\{missing}"):
        WordPieceVocabulary([token for token in SPECIAL_TOKENS if token != missing])


def test_a_repeated_token_is_named():
    with pytest.raises(VocabularyError, match="'好' more than once"):
        WordPieceVocabulary([*SPECIAL_TOKENS, "好", "天", "好"])


def test_an_error_in_a_file_names_the_file(tmp_path: Path):
    path = tmp_path / "vocab.txt"
    path.write_text("[PAD]\n[UNK]\n", encoding="utf-8")
    with pytest.raises(VocabularyError, match=r"vocab\.txt: .*lacks"):
        WordPieceVocabulary.load(path)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\n"], ids=["missing", "not UTF-8"])
def test_an_unreadable_file_is_named(content: bytes | None, tmp_path: Path):
    path = tmp_path / "vocab.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(VocabularyError, match=r"vocab\.txt: (cannot be read|is not UTF-8 \(byte 0\))"):
        WordPieceVocabulary.load(path)


def test_a_directory_in_the_place_of_the_file_is_named(tmp_path: Path):
    with pytest.raises(VocabularyError, match="cannot be read"):
        WordPieceVocabulary.load(tmp_path)


TOKEN = st.text(
    st.characters(codec="utf-8", exclude_characters="\n\r")
    | st.sampled_from("\u2028\u2029\x85\x0b\x0c\x1c\0\ufeff"),
    min_size=1,
    max_size=5,
)


@settings(deadline=None, max_examples=50)
@given(tokens=st.lists(TOKEN, unique=True, max_size=20))
def test_a_saved_vocabulary_loads_as_it_was(tokens: list[str], tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("vocabulary") / "vocab.txt"
    vocabulary = WordPieceVocabulary(dict.fromkeys([*SPECIAL_TOKENS, *tokens]))
    vocabulary.save(path)
    assert WordPieceVocabulary.load(path).tokens == vocabulary.tokens
    assert hashlib.sha256(path.read_bytes()).hexdigest() == vocabulary.digest


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False], ids=["line end at the end", "none"])
def test_line_ends_do_not_matter(end: str, last: bool, tmp_path: Path):
    path = tmp_path / "vocab.txt"
    path.write_bytes((end.join([*SPECIAL_TOKENS, "好"]) + (end if last else "")).encode())
    assert WordPieceVocabulary.load(path).tokens == (*SPECIAL_TOKENS, "好")


def test_the_digest_depends_on_the_order():
    assert (
        WordPieceVocabulary([*SPECIAL_TOKENS, "a", "b"]).digest
        != WordPieceVocabulary([*SPECIAL_TOKENS, "b", "a"]).digest
    )


def test_the_usual_chinese_vocabulary_loads_unchanged(shared_data: Path):
    path = shared_data / "vocab" / "vocab.txt"
    vocabulary = WordPieceVocabulary.load(path)
    assert (len(vocabulary), vocabulary.unk, vocabulary.mask) == (21128, 100, 103)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == vocabulary.digest


@pytest.mark.parametrize(
    ("content", "tokens"),
    [
        ("{}\n好 \n天\t\n", ("好", "天")),
        ("{}\n好\n\n \n\n", ("好",)),
        ("{}\r\n好\r\n\r\n", ("好",)),
        ("{}\n\u2028\n好", ("\u2028", "好")),
    ],
    ids=["white space", "blank last lines", "CRLF", "a separator as token"],
)
def test_a_file_from_elsewhere_is_read_as_transformers_does(content: str, tokens, tmp_path: Path):
    path = tmp_path / "vocab.txt"
    path.write_bytes(content.format("\n".join(SPECIAL_TOKENS)).encode())
    assert WordPieceVocabulary.import_file(path).tokens == (*SPECIAL_TOKENS, *tokens)


@pytest.mark.parametrize("read", [WordPieceVocabulary.load, WordPieceVocabulary.import_file])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}\n好\n天\n好\n", "'好' more than once: in lines 6 and 8"),
        ("{}\n\n好\n\n天", "'' more than once: in lines 6 and 8"),
        ("\ufeff{}\n", "starts with a byte order mark"),
    ],
    ids=["twice", "blank lines", "byte order mark"],
)
def test_a_line_that_cannot_be_a_token_is_named(read, content: str, message: str, tmp_path: Path):
    path = tmp_path / "vocab.txt"
    path.write_bytes(content.format("\n".join(SPECIAL_TOKENS)).encode())
    with pytest.raises(VocabularyError, match=rf"vocab\.txt: .*{message}"):
        read(path)
