"""tokenizer.json as the `tokenizers` library writes it, and what is no BERT's."""

import json
from pathlib import Path

import pytest
import tensorflow as tf
from tokenizers import AddedToken, Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from kerasbert.checkpoints.tokenizer_files import read_tokenizer
from kerasbert.errors import UserError
from kerasbert.text import SPECIAL_TOKENS, TextGraph


@pytest.fixture
def tokenizer(tokens) -> Tokenizer:
    """A BERT's, of the vocabulary of the checkpoints."""
    made = Tokenizer(WordPiece({token: id for id, token in enumerate(tokens)}, unk_token="[UNK]"))
    made.normalizer, made.pre_tokenizer = BertNormalizer(lowercase=True), BertPreTokenizer()
    made.add_special_tokens(list(SPECIAL_TOKENS))
    return made


@pytest.fixture
def folder(tokenizer, tmp_path: Path) -> Path:
    """A folder with a tokenizer.json only."""
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def test_its_vocabulary_settings_and_added_tokens_are_read(tokenizer, tokens, tmp_path: Path):
    tokenizer.add_tokens([AddedToken("手机", normalized=True)])
    tokenizer.add_special_tokens([AddedToken("<Q>", normalized=False)])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    found = read_tokenizer(tmp_path)
    assert found.vocabulary.tokens == (*tokens, "手机", "<Q>")
    assert found.text == {
        "lowercase": True,
        "ascii_punctuation": False,
        "added_tokens": ["手机"],
        "special_tokens": ["<Q>"],
    }
    texts = ["手机很好<Q>", "<q>手 机playing", ""]
    graph = TextGraph(found.vocabulary, max_length=32, **found.text)
    theirs = [row.ids for row in tokenizer.encode_batch(texts, add_special_tokens=False)]
    assert graph.tokenize(tf.constant(texts)).to_list() == theirs


@pytest.mark.parametrize("key", ["pad_token", "unk_token", "cls_token", "sep_token", "mask_token"])
@pytest.mark.parametrize("value", ["<x>", {"content": "<x>"}, 7], ids=str)
def test_special_tokens_of_another_name_are_refused(folder: Path, key: str, value):
    (folder / "tokenizer_config.json").write_text(json.dumps({key: value}))
    with pytest.raises(UserError, match=rf"{key} must be \[.*\]\. Received"):
        read_tokenizer(folder)


def test_special_tokens_may_have_any_ids(folder: Path, tokens):
    fast = folder / "tokenizer.json"
    values = json.loads(fast.read_text(encoding="utf-8"))
    values["model"]["vocab"] = {token: id for id, token in enumerate(reversed(tokens))}
    values["added_tokens"] = []
    fast.write_text(json.dumps(values), encoding="utf-8")
    vocabulary = read_tokenizer(folder).vocabulary
    assert vocabulary.tokens == tuple(reversed(tokens))
    assert vocabulary.pad == len(tokens) - 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t["model"].update(type="BPE"), "byte-pair encoding"),
        (lambda t: t.update(normalizer=None), "normalizer must be BertNormalizer's"),
        (lambda t: t["model"].update(vocab=["a"]), r"model\.vocab must give each token"),
        (lambda t: t["model"]["vocab"].update({"x": 7}), r"model\.vocab must give each token"),
        (lambda t: t["model"].update(vocab={}), "the vocabulary lacks"),
        (lambda t: t["normalizer"].update(lowercase="no"), "do_lower_case must be true or false"),
        (lambda t: t["normalizer"].update(handle_chinese_chars=False), "tokenize_chinese_chars must be true"),
        (lambda t: t["normalizer"].update(strip_accents=False), "strip_accents must be true"),
        (lambda t: t.update(added_tokens=7), "added tokens are not as Transformers writes them"),
        (lambda t: t.update(added_tokens=[{"id": "x"}]), "added tokens are not as Transformers writes them"),
        (
            lambda t: t["added_tokens"].append({"id": 99, "content": "好吃"}),
            "'好吃' has the id 99, but its place",
        ),
        (
            lambda t: t["added_tokens"].append({"id": 9, "content": "早", "single_word": True}),
            r"'早' is to be found .*\(single_word\)",
        ),
    ],
)
def test_another_tokenizer_is_refused_by_name(folder, change, message: str):
    fast = folder / "tokenizer.json"
    values = json.loads(fast.read_text(encoding="utf-8"))
    change(values)
    fast.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(UserError, match=message):
        read_tokenizer(folder)
