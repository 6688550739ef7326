"""The tokenizer of a Hugging Face folder: tokenizer.json, tokenizer_config.json, vocab.txt and their like."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerasbert.checkpoints.bert_config import read_json
from kerasbert.checkpoints.sentencepiece_files import (
    find_model,
    from_tokenizer_json,
    is_unigram,
    read_model,
    require_same_pieces,
    tokenizer_json,
    with_added,
)
from kerasbert.config import TextConfig
from kerasbert.errors import CheckpointError, VocabularyError, excerpt
from kerasbert.files import write_json
from kerasbert.listing import join_first
from kerasbert.text import (
    SPECIAL_TOKENS,
    SentencePieceVocabulary,
    TextGraph,
    Vocabulary,
    WordPieceVocabulary,
)
from kerasbert.text.sentencepiece_vocabulary import SPACE

TOKENIZER = "tokenizer_config.json"
VOCABULARY = "vocab.txt"
_FAST = "tokenizer.json"  # all in one file, of the tokenizers library
_CONFIG = "config.json"
_ADDED = "added_tokens.json"
_MERGES = ("merges.txt", "bpe.codes")
_SPECIAL = "special_tokens_map.json"
_KEYS = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
# These take tokenizer.json as it is; BertTokenizer makes its own normaliser from tokenizer_config.json.
_GENERIC = ("PreTrainedTokenizerFast", "TokenizersBackend")
_WORD_PIECE = ("BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer")  # three names of one tokenizer
_CLASSES = (*_WORD_PIECE, *(f"{name}Fast" for name in _WORD_PIECE), *_GENERIC)
_SENTENCEPIECE_CLASSES = ("XLMRobertaTokenizer", "XLMRobertaTokenizerFast", *_GENERIC)
# What tokenizer.json must hold to be a BERT's.
_FIXED: dict[str, dict[str, Any]] = {
    "model": {
        "type": "WordPiece",
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100,
    },
    "normalizer": {"type": "BertNormalizer", "clean_text": True},
    "pre_tokenizer": {"type": "BertPreTokenizer"},
}


@dataclass(frozen=True)
class TokenizerFiles:
    """A tokenizer as kerasbert describes it."""

    vocabulary: Vocabulary
    text: Mapping[str, Any]  # settings of the text section
    notes: tuple[str, ...]  # sentences for the user


@dataclass(frozen=True)
class _Added:
    """A token that Transformers looks for in texts; without `id` it gets the next one."""

    content: str
    normalized: bool
    id: int | None = None
    single_word: bool = False

    @classmethod
    def of(cls, value: Any, id: int | None = None, **settings: bool) -> "_Added":
        """Reads a string or the dictionary that Transformers writes."""
        value = {"content": value} if isinstance(value, str) else value
        normalized = value.get("normalized", settings.get("normalized", not value.get("special", False)))
        if type(normalized) is not bool or not isinstance(value["content"], str):
            raise TypeError(value)
        return cls(value["content"], normalized, id, bool(value.get("single_word")))


def read_tokenizer(directory: Path) -> TokenizerFiles:
    """Reads the tokenizer of a folder: BertTokenizer's as Transformers does, or a SentencePiece model.

    Raises:
        CheckpointError, VocabularyError: a file is missing or damaged, or texts would get other ids.
    """
    settings = directory / TOKENIZER
    values = read_json(settings) if settings.is_file() else {}
    fast = read_json(directory / _FAST) if (directory / _FAST).is_file() else {}
    model = None if fast or (directory / VOCABULARY).is_file() else find_model(directory)
    if model or is_unigram(fast):
        return _read_sentencepiece(directory, values, fast)
    _require_no_bpe(directory, fast)
    name = values.get("tokenizer_class") or "BertTokenizer"
    if name not in _CLASSES:
        raise CheckpointError(f"{settings}: tokenizer_class must be BertTokenizer. Received: {name!r}")
    _require_special_tokens(settings, values, SPECIAL_TOKENS)
    if fast:
        _require_bert(directory / _FAST, fast)
    text, notes = _text(directory, values, fast, generic=name in _GENERIC)
    tokens = _tokens(directory, fast)
    tokens, found = _with_added(directory, tokens, _added(directory, values, fast, SPECIAL_TOKENS))
    for key, normalized in (("added_tokens", True), ("special_tokens", False)):
        contents = [token.content for token in found if token.normalized is normalized]
        if contents:
            text[key] = contents
    try:
        vocabulary = WordPieceVocabulary(tokens)
        if found:
            TextGraph(vocabulary, max_length=8, **text)  # can they all be found?
    except VocabularyError as error:
        raise VocabularyError(f"{directory}: {error}") from error
    return TokenizerFiles(vocabulary, text, notes)


def _read_sentencepiece(
    directory: Path, values: Mapping[str, Any], fast: Mapping[str, Any]
) -> TokenizerFiles:
    named = directory / TOKENIZER
    name = values.get("tokenizer_class")
    if name is None and (directory / _CONFIG).is_file():
        named, config = directory / _CONFIG, read_json(directory / _CONFIG)
        name = config.get("tokenizer_class")
        if name is None and config.get("model_type") == "camembert":  # has ids of its own
            name = "CamembertTokenizer"
    if name not in (None, *_SENTENCEPIECE_CLASSES):
        raise CheckpointError(
            f"{named}: with a SentencePiece model tokenizer_class must be one of "
            f"{', '.join(_SENTENCEPIECE_CLASSES)}. Received: {name!r}"
        )
    path = find_model(directory)
    vocabulary = read_model(path) if path else from_tokenizer_json(directory / _FAST, fast)
    if path and fast:
        require_same_pieces(path, vocabulary, directory / _FAST, fast)
    _require_special_tokens(directory / TOKENIZER, values, vocabulary.special_tokens)
    added = _added(directory, values, fast, vocabulary.special_tokens)
    _, found = _with_added(directory, list(vocabulary.tokens), added)
    notes: tuple[str, ...] = ()
    if found:
        contents = [token.content for token in found]
        vocabulary = SentencePieceVocabulary(with_added(vocabulary.parsed(), contents).SerializeToString())
        notes = (
            f"its added tokens ({join_first(contents)}) became pieces of the model; Transformers, which cuts "
            f"texts at them first, puts {SPACE} after them too",
        )
    ascii_punctuation = bool(values.get("ascii_punctuation", False))
    return TokenizerFiles(vocabulary, {"lowercase": False, "ascii_punctuation": ascii_punctuation}, notes)


def write_tokenizer(directory: Path, text: TextConfig, vocabulary: Vocabulary, max_length: int) -> None:
    """Writes the files that `read_tokenizer` and Transformers read.

    Args:
        directory: where to.
        text: how texts are read.
        vocabulary: the tokens.
        max_length: tokens, where a tokenizer should cut.
    """
    values = {
        **dict(zip(_KEYS, vocabulary.special_tokens, strict=True)),
        "model_max_length": max_length,
        "ascii_punctuation": text.ascii_punctuation,  # ours; Transformers does not know it
    }
    if isinstance(vocabulary, SentencePieceVocabulary):
        inputs = ["input_ids", "token_type_ids", "attention_mask"]
        generic = {"tokenizer_class": _GENERIC[0], "model_input_names": inputs}
        write_json(directory / TOKENIZER, {**generic, **values})
        write_json(directory / _FAST, tokenizer_json(vocabulary))
    else:
        write_json(directory / TOKENIZER, {**_wordpiece_config(text, vocabulary), **values})
    vocabulary.save(directory / vocabulary.file_name)


def _wordpiece_config(text: TextConfig, vocabulary: Vocabulary) -> dict[str, Any]:
    added = {**dict.fromkeys(text.added_tokens, True), **dict.fromkeys(text.special_tokens, False)}
    decoder = {
        str(vocabulary.ids[token]): {
            "content": token,
            "lstrip": False,
            "rstrip": False,
            "normalized": normalized,
            "single_word": False,
            "special": not normalized,
        }
        for token, normalized in added.items()
    }
    return {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": text.lowercase,
        "strip_accents": None,
        "tokenize_chinese_chars": True,
        **({"added_tokens_decoder": decoder} if decoder else {}),
    }


def _require_no_bpe(directory: Path, fast: Mapping[str, Any]) -> None:
    """Raises `CheckpointError` if tokens are made by merging bytes or letters, as RoBERTa's and GPT's are."""
    model = fast.get("model")
    merges = next((name for name in _MERGES if (directory / name).is_file()), None)
    if isinstance(model, dict) and (model.get("type") == "BPE" or "merges" in model):
        merges = _FAST
    if merges and not (directory / VOCABULARY).is_file():
        raise CheckpointError(
            f"{directory}: its vocabulary is made by byte-pair encoding ({merges}), which kerasbert does not "
            "read. Take an encoder with a WordPiece or a SentencePiece (Unigram) vocabulary."
        )


def _require_special_tokens(path: Path, values: Mapping[str, Any], tokens: Sequence[str]) -> None:
    for key, token in zip(_KEYS, tokens, strict=True):
        given = values.get(key)
        given = given.get("content") if isinstance(given, dict) else given
        if given not in (None, token):
            raise CheckpointError(f"{path}: {key} must be {token}. Received: {given!r}")


def _require_bert(path: Path, fast: Mapping[str, Any]) -> None:
    kind = fast["model"].get("type", "WordPiece") if isinstance(fast.get("model"), dict) else "WordPiece"
    if kind != "WordPiece":
        raise CheckpointError(
            f"{path}: model.type must be WordPiece or Unigram. Received: {excerpt(repr(kind))}"
        )
    for part, fixed in _FIXED.items():
        found = fast.get(part)
        if not isinstance(found, dict):
            raise CheckpointError(
                f"{path}: {part} must be {fixed['type']}'s. Received: {excerpt(repr(found))}"
            )
        for key, ours in fixed.items():
            if found.get(key, ours) != ours:
                raise CheckpointError(
                    f"{path}: {part}.{key} must be {ours}. Received: {excerpt(repr(found[key]))}"
                )


def _text(
    directory: Path, values: Mapping[str, Any], fast: Mapping[str, Any], generic: bool
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Returns the settings of the text section, and notes for the user."""
    normalizer = fast.get("normalizer", {})
    keys = {"do_lower_case": "lowercase", "tokenize_chinese_chars": "handle_chinese_chars"}
    found: dict[str, Any] = {}
    notes = []
    for key in ("do_lower_case", "tokenize_chinese_chars", "strip_accents"):
        of_config, of_fast = values.get(key), normalizer.get(keys.get(key, key))
        found[key] = of_config if of_config is not None else of_fast
        if None not in (of_config, of_fast) and of_config != of_fast:
            followed, value = (_FAST, of_fast) if generic else (TOKENIZER, of_config)
            found[key] = value
            notes.append(
                f"{TOKENIZER} says {key}: {json.dumps(of_config)}, {_FAST} {json.dumps(of_fast)}; {followed} "
                "is followed, as Transformers does"
            )
    for key, value in found.items():
        if value is not None and type(value) is not bool:
            raise CheckpointError(
                f"{directory}: {key} must be true or false. Received: {excerpt(repr(value))}"
            )
    lowercase = found["do_lower_case"] is not False
    for key, ours in (("tokenize_chinese_chars", True), ("strip_accents", lowercase)):
        if found[key] not in (None, ours):
            raise CheckpointError(
                f"{directory / TOKENIZER}: {key} must be {json.dumps(ours)} here. Received: "
                f"{json.dumps(found[key])}. The token ids would differ; change it there, and in {_FAST}, if "
                "that does not matter to you."
            )
    ascii_punctuation = bool(values.get("ascii_punctuation", False))
    return {"lowercase": lowercase, "ascii_punctuation": ascii_punctuation}, tuple(notes)


def _tokens(directory: Path, fast: Mapping[str, Any]) -> list[str]:
    """Returns the tokens of vocab.txt or tokenizer.json in the order of their ids."""
    path = directory / VOCABULARY
    if not fast:
        return list(WordPieceVocabulary.import_file(path).tokens)
    ids = fast["model"].get("vocab")
    if not isinstance(ids, dict) or sorted(map(repr, ids.values())) != sorted(map(repr, range(len(ids)))):
        raise CheckpointError(
            f"{directory / _FAST}: model.vocab must give each token one of the ids from 0 on, without gaps."
        )
    tokens = sorted(ids, key=lambda token: ids[token])
    if path.is_file():
        others = WordPieceVocabulary.import_file(path).tokens
        for number, (one, other) in enumerate(zip(tokens, others, strict=False)):
            if one != other.rstrip():  # a token of white space alone, which no text contains, is empty there
                raise CheckpointError(
                    f"{directory}: id {number} is {other!r} in {VOCABULARY} and {one!r} in {_FAST}. Remove "
                    "the one that is not of these weights."
                )
        tokens = [*others, *tokens[len(others) :]]
    return tokens


def _added(
    directory: Path, values: Mapping[str, Any], fast: Mapping[str, Any], special_tokens: Sequence[str]
) -> list[_Added]:
    """Returns the added tokens that the files name, those with an id first and in their order."""
    try:
        named = _named_tokens(directory, values, fast)
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise CheckpointError(
            f"{directory}: its added tokens are not as Transformers writes them ({excerpt(repr(error))})."
        ) from error
    first: dict[str, _Added] = {}
    for token in named:
        first.setdefault(token.content, token)
    return [token for token in first.values() if token.content not in special_tokens]


def _named_tokens(directory: Path, values: Mapping[str, Any], fast: Mapping[str, Any]) -> list[_Added]:
    found: list[_Added] = []
    decoder = values.get("added_tokens_decoder") or {}
    listed = {value["id"]: value for value in fast.get("added_tokens") or []}
    listed |= {int(id): value for id, value in decoder.items()}
    found += [_Added.of(value, id) for id, value in sorted(listed.items())]
    if (directory / _ADDED).is_file():
        ids = read_json(directory / _ADDED)
        found += [_Added.of(token, ids[token], normalized=True) for token in sorted(ids, key=ids.__getitem__)]
    special = read_json(directory / _SPECIAL) if (directory / _SPECIAL).is_file() else {}
    for names in (values, special):
        for key in ("additional_special_tokens", "extra_special_tokens"):
            tokens = names.get(key) or []
            tokens = tokens.values() if isinstance(tokens, dict) else tokens
            found += [_Added.of(token, normalized=False) for token in tokens]
    return found


def _with_added(directory: Path, tokens: list[str], added: list[_Added]) -> tuple[list[str], list[_Added]]:
    """Returns the tokens with the added ones at their ids."""
    ids = {token: id for id, token in enumerate(tokens)}
    for token in added:
        id = ids.setdefault(token.content, len(ids))
        if token.id not in (None, id):
            raise CheckpointError(
                f"{directory}: the added token {token.content!r} has the id {token.id}, but its place in the "
                f"vocabulary is {id}."
            )
        if token.single_word:
            raise CheckpointError(
                f"{directory}: the added token {token.content!r} is to be found as a word of its own only "
                "(single_word), which kerasbert does not do."
            )
    return list(ids), added
