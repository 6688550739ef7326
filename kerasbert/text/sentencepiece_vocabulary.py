"""A SentencePiece model as a vocabulary."""

import functools
import math
import unicodedata
from collections.abc import Container, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece

from kerasbert.errors import VocabularyError, one_line
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
        tokens = [piece.piece for piece in model.pieces]
        scores = [piece.score for piece in model.pieces]
        kinds = [piece.type for piece in model.pieces]
        _require_distinct(tokens, scores)
        unknown = [token for token, kind in zip(tokens, kinds, strict=True) if kind == model_proto.UNKNOWN]
        super().__init__(tokens, _special_tokens(set(tokens), unknown))
        for id in (self.pad, self.cls, self.sep, self.mask):
            kinds[id] = model_proto.CONTROL
        self.two_separators = tokens[self.cls] == _ROBERTA_START
        self._ordinary = np.flatnonzero(~np.isin(kinds, _NOT_IN_TEXTS)).astype(np.int32)
        self._content = self._without_training(zip(tokens, scores, kinds, strict=True), model.normalizer_spec)
        try:
            sentencepiece.SentencePieceProcessor(model_proto=self._content)
        except RuntimeError as error:
            raise VocabularyError(f"is damaged ({one_line(error)}).") from error

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

    def _without_training(self, pieces: Iterable[tuple[str, float, int]], normalizer: Any) -> bytes:
        """Returns the file of what splits texts: always the same bytes for the same."""
        model = model_proto.ModelProto()
        for piece, score, kind in pieces:
            model.pieces.add(piece=piece, score=score, type=kind)
        trainer = model.trainer_spec
        trainer.model_type, trainer.vocab_size = model_proto.UNIGRAM, len(self)
        ids = (self.pad, self.unk, self.cls, self.sep)
        for name, id in zip(("pad", "unk", "bos", "eos"), ids, strict=True):
            setattr(trainer, f"{name}_id", id)
            setattr(trainer, f"{name}_piece", self.tokens[id])
        for name in ("precompiled_charsmap", "add_dummy_prefix", "remove_extra_whitespaces"):
            setattr(model.normalizer_spec, name, getattr(normalizer, name))
        return bytes(model.SerializeToString(deterministic=True))

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

    @functools.cached_property
    def joints(self) -> tuple[np.ndarray, np.ndarray]:
        """How tokens make up words; see `Vocabulary`."""
        # A piece that begins with a space starts a word; a space alone belongs to the next piece; other
        # pieces join where both meet at letters or digits, which Chinese and Japanese ones do not.
        before, after = np.zeros((2, len(self)), np.int8)
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


def _require_distinct(tokens: Sequence[str], scores: Sequence[float]) -> None:
    seen: set[str] = set()
    for number, (token, score) in enumerate(zip(tokens, scores, strict=True)):
        if not token or token in seen:
            raise VocabularyError(f"piece {number}, {token!r}, is empty or not the only one.")
        if not math.isfinite(score):
            raise VocabularyError(f"piece {number}, {token!r}, has the score {score}.")
        seen.add(token)


def _special_tokens(tokens: Container[str], unknown: Sequence[str]) -> list[str]:
    if len(unknown) != 1:
        raise VocabularyError(f"must have one piece for unknown text. Received: {join_first(unknown)}")
    special_tokens = []
    for spellings in _SPELLINGS:
        token = next((spelling for spelling in spellings or unknown if spelling in tokens), None)
        if token is None:
            raise VocabularyError(f"has no piece {' or '.join(spellings)}.")
        special_tokens.append(token)
    return special_tokens


@functools.cache
def _is_letter(character: str) -> bool:
    """Whether a character is a letter or digit of a script that puts spaces between words."""
    if unicodedata.category(character)[0] not in "LMN":
        return False
    name = unicodedata.name(character, "")
    return not name.startswith(("CJK", "HIRAGANA", "KATAKANA", "BOPOMOFO", "IDEOGRAPHIC"))
