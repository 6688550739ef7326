"""A SentencePiece model as a vocabulary."""

import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from kerasbert.errors import VocabularyError
from kerasbert.listing import join_first
from kerasbert.text import model_proto
from kerasbert.text.vocabulary import Vocabulary

SPACE = "▁"  # U+2581, what a space becomes
# The usual spellings of the special tokens, in the order of `special_tokens`.
_SPELLINGS = (
    ("[PAD]", "<pad>"),
    (),  # has a kind of its own
    ("[CLS]", "<s>"),
    ("[SEP]", "</s>"),
    ("[MASK]", "<mask>"),
)
_ROBERTA_START = "<s>"
# Kinds of pieces that no text is split into.
_NOT_IN_TEXTS = (model_proto.CONTROL, model_proto.UNKNOWN, model_proto.UNUSED)


class SentencePieceVocabulary(Vocabulary):
    """A unigram model (Kudo 2018, https://arxiv.org/abs/1804.10959) whose piece numbers are the token ids.

    The special tokens, such as `[CLS]` or `<s>`, are control pieces, so that no text can spell them. What the
    file says about its training is left out: only what splits texts makes a difference to `digest`.

    Args:
        content: of a model file.

    Raises:
        VocabularyError: it is not a model file, or not one of a kind that kerasbert can use.
    """

    kind = "SentencePiece"
    file_name = "sentencepiece.model"

    def __init__(self, content: bytes):
        try:
            model = model_proto.parse_model(content)
        except ValueError as error:
            raise VocabularyError("is not a SentencePiece model.") from error
        _require_usable(model)
        special_tokens = _special_tokens(model)
        for token, piece in zip(special_tokens, _pieces(model, special_tokens), strict=True):
            unknown = token == special_tokens[1]
            piece.type = model_proto.UNKNOWN if unknown else model_proto.CONTROL
        super().__init__([piece.piece for piece in model.pieces], special_tokens)
        _set_ids(model, self)
        model.DiscardUnknownFields()
        model.normalizer_spec.ClearField("name")
        self.two_separators = special_tokens[2] == _ROBERTA_START
        self._content: bytes = model.SerializeToString(deterministic=True)
        kinds = np.array([piece.type for piece in model.pieces])
        self._ordinary = np.flatnonzero(~np.isin(kinds, _NOT_IN_TEXTS)).astype(np.int32)

    @classmethod
    def load(cls, path: str | Path) -> "SentencePieceVocabulary":
        """Reads a model file whose piece numbers are the token ids.

        Raises:
            VocabularyError: the file cannot be read or used.
        """
        try:
            return cls(Path(path).read_bytes())
        except OSError as error:
            raise VocabularyError(f"{path}: cannot be read ({error.strerror}).") from error
        except VocabularyError as error:
            raise VocabularyError(f"{path}: {error}") from error

    def parsed(self) -> Any:
        """Returns the model as a new `ModelProto`."""
        return model_proto.parse_model(self._content)

    @property
    def content(self) -> bytes:
        """The content of the file."""
        return self._content

    @property
    def ordinary(self) -> np.ndarray:
        """The ids of tokens that are neither special nor reserved."""
        return self._ordinary

    @property
    def joints(self) -> tuple[np.ndarray, np.ndarray]:
        """How tokens make up words; see `Vocabulary`."""
        # A piece that begins with a space starts a word; a space alone belongs to the next piece; other
        # pieces join where both meet at letters or digits, which Chinese and Japanese ones do not.
        before, after = np.zeros((2, len(self)), np.int32)
        for index, token in enumerate(self.tokens):
            if not token.startswith(SPACE):
                before[index] = 2 if _is_letter(token[0]) else 1
            after[index] = 2 if token == SPACE else int(_is_letter(token[-1]))
        special = [self.ids[token] for token in self.special_tokens]
        before[special] = after[special] = 0
        return before, after

    @property
    def required(self) -> np.ndarray:
        """The ids of special and user-defined tokens, and of the normal ones of the lowest and highest score.

        The best of all splits of a text stays the best among fewer, as long as their scores do not change:
        that of unknown characters depends on the lowest, that of user-defined tokens on the highest.
        """
        kinds, scores = map(np.array, zip(*((p.type, p.score) for p in self.parsed().pieces), strict=True))
        normal = np.flatnonzero(kinds == model_proto.NORMAL)
        extremes = [normal[scores[normal].argmin()], normal[scores[normal].argmax()]] if normal.size else []
        special = [self.ids[token] for token in self.special_tokens]
        return np.union1d([*special, *extremes], np.flatnonzero(kinds == model_proto.USER_DEFINED)).astype(
            np.int32
        )

    def subset(self, ids: Iterable[int]) -> "SentencePieceVocabulary":
        """Returns the vocabulary of these tokens in this order."""
        model = self.parsed()
        pieces = [model.pieces[index] for index in ids]
        del model.pieces[:]
        model.pieces.extend(pieces)
        return SentencePieceVocabulary(model.SerializeToString())

    def spell(self, ids: Iterable[int]) -> str:
        """Returns the normalised text of `ids`, without special tokens."""
        tokens = [self.tokens[index] for index in ids]
        text = "".join(token for token in tokens if token not in self.special_tokens)
        return text.replace(SPACE, " ").strip()


def _require_usable(model: Any) -> None:
    trainer, normalizer = model.trainer_spec, model.normalizer_spec
    if not model.pieces:
        raise VocabularyError("holds no pieces.")
    if trainer.model_type != model_proto.UNIGRAM:
        kind = {2: "BPE", 3: "words", 4: "characters"}.get(trainer.model_type, str(trainer.model_type))
        raise VocabularyError(f"must be a unigram model. Received: one of {kind}")
    if trainer.byte_fallback:
        raise VocabularyError("splits rare characters into bytes (byte_fallback), which kerasbert does not.")
    if trainer.treat_whitespace_as_suffix or not normalizer.escape_whitespaces:
        raise VocabularyError(f"must put {SPACE} before words, as SentencePiece does by default.")
    seen: set[str] = set()
    for number, piece in enumerate(model.pieces):
        if not piece.piece or piece.piece in seen:
            raise VocabularyError(f"piece {number}, {piece.piece!r}, is empty or not the only one.")
        if not np.isfinite(piece.score):
            raise VocabularyError(f"piece {number}, {piece.piece!r}, has the score {piece.score}.")
        seen.add(piece.piece)


def _special_tokens(model: Any) -> list[str]:
    unknown = [piece.piece for piece in model.pieces if piece.type == model_proto.UNKNOWN]
    if len(unknown) != 1:
        raise VocabularyError(f"must have one piece for unknown text. Received: {join_first(unknown)}")
    found = {piece.piece for piece in model.pieces}
    special_tokens = []
    for spellings in _SPELLINGS:
        token = next((spelling for spelling in spellings or unknown if spelling in found), None)
        if token is None:
            raise VocabularyError(f"has no piece {' or '.join(spellings)}.")
        special_tokens.append(token)
    return special_tokens


def _pieces(model: Any, tokens: Iterable[str]) -> list[Any]:
    by_name = {piece.piece: piece for piece in model.pieces}
    return [by_name[token] for token in tokens]


def _set_ids(model: Any, vocabulary: Vocabulary) -> None:
    """Sets what the trainer would have written, which sentencepiece reads."""
    trainer = model.trainer_spec
    trainer.vocab_size = len(vocabulary)
    names = ("pad", "unk", "bos", "eos")
    ids = (vocabulary.pad, vocabulary.unk, vocabulary.cls, vocabulary.sep)
    for name, id in zip(names, ids, strict=True):
        setattr(trainer, f"{name}_id", id)
        setattr(trainer, f"{name}_piece", vocabulary.tokens[id])


def _is_letter(character: str) -> bool:
    """Whether a character is a letter or digit of a script that puts spaces between words."""
    if unicodedata.category(character)[0] not in "LMN":
        return False
    name = unicodedata.name(character, "")
    return not name.startswith(("CJK", "HIRAGANA", "KATAKANA", "BOPOMOFO", "IDEOGRAPHIC"))
