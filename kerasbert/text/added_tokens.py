"""Added tokens, which are never split, as in Transformers."""

import re
from collections.abc import Callable, Sequence

import tensorflow as tf

from kerasbert.errors import VocabularyError
from kerasbert.text.wordpiece_vocabulary import SPECIAL_TOKENS, WordPieceVocabulary

# Private-use characters, which `spaced_words` removes from texts.
_MARK, _OTHER = "\uf8ff", "\ue000"
_MOST_CHARACTERS = 5_000  # keeps the regular expressions small
_LONGEST = 100


class AddedTokens:
    """Finds added tokens in texts before words are split.

    The leftmost match wins, and among matches at the same position the longest.

    Args:
        vocabulary: contains all of the tokens.
        normalized: tokens to match in the normalised text (`normalized: true` in Transformers).
        special: tokens to match in the original text.
        normalize: normalises valid UTF-8 strings of any shape.

    Raises:
        VocabularyError: a token is not in the vocabulary, or cannot be found in texts.
    """

    def __init__(
        self,
        vocabulary: WordPieceVocabulary,
        normalized: Sequence[str],
        special: Sequence[str],
        normalize: Callable[[tf.Tensor], tf.Tensor],
    ):
        _require_findable(vocabulary, [*normalized, *special])
        self._normalize = normalize
        with tf.init_scope():
            forms = [form.decode() for form in normalize(tf.constant(list(normalized), tf.string)).numpy()]
        self._special, self._normalized = _pattern(special), _pattern(forms)
        for token, form in zip(normalized, forms, strict=True):
            if not form.strip() or [*forms, *special].count(form) > 1:
                raise VocabularyError(f"the added token {token!r} normalises to {form!r}, like another one.")
        # WordPiece must find a token by its normalised form, and no other token by that form.
        forms_of = {form: _MARK + form for form in forms}
        forms_of |= dict(zip(normalized, forms, strict=True))
        self.tokens = tuple(forms_of.get(token, token) for token in vocabulary.tokens)

    def words(self, text: tf.Tensor, separate: Callable[[tf.Tensor], tf.Tensor]) -> tf.RaggedTensor:
        """Returns the words of `text`, including the added tokens: string [batch, None].

        Args:
            text: valid UTF-8, string [batch].
            separate: puts spaces between the words of normalised strings.
        """
        text = tf.strings.regex_replace(text, _MARK, _OTHER)
        parts = tf.strings.split(_mark(text, self._special), _MARK)
        is_special = _is_odd(parts)
        rest = _mark(self._normalize(parts.flat_values), self._normalized)
        marked = tf.where(is_special, _MARK + parts.flat_values + _MARK, rest)
        pieces = tf.strings.split(marked, _MARK)
        # The mark replaces the spaces within a token until words have been split at spaces.
        token = tf.strings.regex_replace(pieces.flat_values, " ", _MARK)
        words = tf.strings.split(tf.where(_is_odd(pieces), token, separate(pieces.flat_values)))
        words = words.with_flat_values(tf.strings.regex_replace(words.flat_values, _MARK, " "))
        return parts.with_flat_values(pieces.with_flat_values(words)).merge_dims(1, 3)


def _require_findable(vocabulary: WordPieceVocabulary, tokens: Sequence[str]) -> None:
    known = set(vocabulary.tokens)
    for token in tokens:
        if token not in known:
            fault = "is not in the vocabulary"
        elif token in SPECIAL_TOKENS:
            fault = "must not be found in texts"
        elif token.startswith("##") or len(token) > _LONGEST or not token.strip(" ") or _MARK in token:
            fault = f"cannot be found in texts: it begins with ##, is blank or longer than {_LONGEST}"
        else:
            continue
        raise VocabularyError(f"the added token {token!r} {fault}.")
    if len(tokens) != len(set(tokens)):
        raise VocabularyError("an added token occurs more than once.")
    characters = sum(map(len, tokens))
    if characters > _MOST_CHARACTERS:
        raise VocabularyError(
            f"the added tokens must have at most {_MOST_CHARACTERS:,} characters in total. "
            f"Received: {characters:,}"
        )


def _pattern(tokens: Sequence[str]) -> str | None:
    # The longest first: RE2 takes the first alternative that matches.
    escaped = [_escape(token) for token in sorted(tokens, key=len, reverse=True)]
    return f"({'|'.join(escaped)})" if escaped else None


def _escape(token: str) -> str:
    return re.sub(r"([^\w\s]|_)", lambda found: f"\\x{{{ord(found[0]):X}}}", token)


def _mark(text: tf.Tensor, pattern: str | None) -> tf.Tensor:
    return tf.strings.regex_replace(text, pattern, rf"{_MARK}\1{_MARK}") if pattern else text


def _is_odd(parts: tf.RaggedTensor) -> tf.Tensor:
    """Returns which of the flat values are between marks: bool [values]."""
    return tf.ragged.range(parts.row_lengths()).flat_values % 2 == 1
