"""BERT's tokenisation in the graph: words, then WordPiece."""

import functools
from collections.abc import Sequence

import tensorflow as tf
import tensorflow_text as tf_text

from kerasbert.text.added_tokens import AddedTokens
from kerasbert.text.normalize import normalize, separate, spaced_words
from kerasbert.text.wordpiece_vocabulary import UNKNOWN, WordPieceVocabulary

# BERT's WordPiece maps longer words to [UNK].
_LONGEST_WORD = 100


class WordPiece(tf.Module):
    """Splits valid UTF-8 into words and these into the pieces of a vocabulary.

    Args:
        vocabulary: with the pieces.
        lowercase: whether to lower-case and strip accents.
        added_tokens: tokens that are never split, matched in the normalised text.
        special_tokens: tokens that are never split, matched in the text before normalisation.
    """

    def __init__(
        self,
        vocabulary: WordPieceVocabulary,
        lowercase: bool,
        added_tokens: Sequence[str] = (),
        special_tokens: Sequence[str] = (),
    ):
        super().__init__(name="wordpiece")
        self._lowercase = lowercase
        self._added = None
        if added_tokens or special_tokens:
            normalized = functools.partial(normalize, lowercase=lowercase)
            self._added = AddedTokens(vocabulary, added_tokens, special_tokens, normalized)
        # Words have at most 100 characters here, so the limit in bytes must never apply.
        self._wordpiece = tf_text.FastWordpieceTokenizer(
            list(self._added.tokens if self._added else vocabulary.tokens),
            token_out_type=tf.int32,
            unknown_token=UNKNOWN,
            no_pretokenization=True,
            max_bytes_per_word=4 * _LONGEST_WORD,
        )

    def words(self, text: tf.Tensor) -> tf.RaggedTensor:
        """Returns the words of `text`: string [batch] -> string [batch, None]."""
        if self._added is None:
            words = tf.strings.split(spaced_words(text, self._lowercase))
        else:
            words = self._added.words(text, separate)
        # Brackets are separate words, so a text cannot contain this one.
        unknown_if_long = tf.strings.regex_replace(words.flat_values, f"^.{{{_LONGEST_WORD + 1},}}$", UNKNOWN)
        return words.with_flat_values(unknown_if_long)

    def split(self, text: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
        """Returns the words, string [batch, None], and the ids of their pieces, int32 [batch, None, None]."""
        words = self.words(text)
        return words, words.with_flat_values(self._wordpiece.tokenize(words.flat_values))

    def tokenize(self, text: tf.Tensor) -> tf.RaggedTensor:
        """Returns the ids of the pieces: string [batch] -> int32 [batch, None]."""
        return self.split(text)[1].merge_dims(1, 2)
