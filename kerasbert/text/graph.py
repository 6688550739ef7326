"""The text graph: turns strings into the three int32 inputs of BERT."""

import functools
from collections.abc import Callable, Sequence

import tensorflow as tf
import tensorflow_text as tf_text

from kerasbert.text.added_tokens import AddedTokens
from kerasbert.text.normalize import ascii_punctuation, normalize, separate, spaced_words, valid_utf8
from kerasbert.text.packing import pack
from kerasbert.text.truncation import truncate, truncation_mask
from kerasbert.text.vocabulary import UNKNOWN, Vocabulary

# BERT's WordPiece maps longer words to [UNK].
_LONGEST_WORD = 100


def string_tensor(texts: Sequence[str | bytes]) -> tf.Tensor:
    """Returns texts as a tensor of strings [batch], if there are none too."""
    return tf.constant(list(texts), tf.string, shape=[len(texts)])


class TextGraph(tf.Module):
    """Cleans, tokenises and packs strings with TensorFlow ops only.

    Any bytes are accepted, including invalid UTF-8, NUL and the empty string.

    Args:
        vocabulary: the WordPiece vocabulary.
        max_length: maximum number of tokens of a row, special tokens included; longer texts are truncated.
        lowercase: whether to lower-case and strip accents.
        ascii_punctuation: whether to map curly quotes, ellipses and dashes to ASCII.
        truncation: which tokens of a longer text to keep: `head`, `tail` or `head_tail`; see
            `truncation_mask`.
        clean: the task's own cleaning, from valid UTF-8 strings [batch] to strings [batch].
        added_tokens: tokens that are never split, matched in the normalised text.
        special_tokens: tokens that are never split, matched in the text before normalisation.

    Examples:
        graph = TextGraph(Vocabulary.load("vocab.txt"), max_length=128)
        graph(tf.constant(["今天天气很好"]))["token_ids"]   # int32 [1, 8]
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        max_length: int,
        lowercase: bool = True,
        ascii_punctuation: bool = False,
        truncation: str = "head",
        clean: Callable[[tf.Tensor], tf.Tensor] | None = None,
        added_tokens: Sequence[str] = (),
        special_tokens: Sequence[str] = (),
    ):
        super().__init__(name="text_graph")
        self.vocabulary = vocabulary
        self.max_length = max_length
        self._lowercase = lowercase
        self._ascii_punctuation = ascii_punctuation
        self._truncation = truncation
        self._clean = clean
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

    def __call__(self, text: tf.Tensor, pair: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        """Returns the model's inputs for a batch of texts.

        Args:
            text: string [batch].
            pair: string [batch], the second text of each row, or None.

        Returns:
            `token_ids`, `segment_ids`, `padding_mask`: int32 [batch, length], where length is the length
            of the longest row, rounded up, and at most `max_length`.
        """
        return self.pack(self.tokenize(text), None if pair is None else self.tokenize(pair))

    def words(self, text: tf.Tensor) -> tf.RaggedTensor:
        """Returns the words before WordPiece: string [batch, None]."""
        text = valid_utf8(text)
        if self._clean is not None:
            text = self._clean(text)
        if self._ascii_punctuation:
            text = ascii_punctuation(text)
        if self._added is None:
            words = tf.strings.split(spaced_words(text, self._lowercase))
        else:
            words = self._added.words(text, separate)
        # Brackets are separate words, so a text cannot contain this one.
        unknown_if_long = tf.strings.regex_replace(words.flat_values, f"^.{{{_LONGEST_WORD + 1},}}$", UNKNOWN)
        return words.with_flat_values(unknown_if_long)

    def tokenize(self, text: tf.Tensor) -> tf.RaggedTensor:
        """Returns the ids of `text`, not truncated and without special tokens: int32 [batch, None]."""
        return self.pieces(self.words(text)).merge_dims(1, 2)

    def pieces(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        """Returns the ids of the pieces of each word: string [batch, None] -> int32 [batch, None, None]."""
        return words.with_flat_values(self._wordpiece.tokenize(words.flat_values))

    def pack(self, ids: tf.RaggedTensor, pair: tf.RaggedTensor | None = None) -> dict[str, tf.Tensor]:
        """Truncates `ids` (and `pair`), adds [CLS] and [SEP], and pads; returns what `__call__` does."""
        return pack(ids, pair, self.vocabulary, self.max_length, self._truncation)

    def truncate(self, ids: tf.RaggedTensor) -> tf.RaggedTensor:
        """Returns the tokens that `pack` would keep of single texts `ids`, int32 [batch, None]."""
        return truncate(ids, self.max_length - 2, self._truncation)

    def truncation_mask(self, ids: tf.RaggedTensor, read: tf.Tensor) -> tf.Tensor:
        """Returns which values of `ids` are kept if `read` tokens of each row are: bool [values]."""
        return truncation_mask(ids, read, self._truncation)
