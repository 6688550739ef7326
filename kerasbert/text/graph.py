"""The text graph: turns strings into the three int32 inputs of BERT."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from kerasbert.errors import VocabularyError
from kerasbert.text.normalize import ascii_punctuation, valid_utf8
from kerasbert.text.packing import kept, pack
from kerasbert.text.sentencepiece_vocabulary import SentencePieceVocabulary
from kerasbert.text.truncation import truncate, truncation_mask
from kerasbert.text.unigram import Unigram
from kerasbert.text.vocabulary import Vocabulary
from kerasbert.text.windows import Windows
from kerasbert.text.wordpiece import WordPiece
from kerasbert.text.wordpiece_vocabulary import WordPieceVocabulary


def string_tensor(texts: Sequence[str | bytes]) -> tf.Tensor:
    """Returns texts as a tensor of strings [batch], if there are none too."""
    return tf.constant(list(texts), tf.string, shape=[len(texts)])


class TextGraph(tf.Module):
    """Cleans, tokenises and packs strings with TensorFlow ops only.

    Any bytes are accepted, including invalid UTF-8, NUL and the empty string.

    Args:
        vocabulary: the tokens, and how texts are split into them: WordPiece or SentencePiece.
        max_length: maximum number of tokens of a row, special tokens included; longer texts are truncated.
        lowercase: whether to lower-case and strip accents. SentencePiece models do what they were trained to.
        ascii_punctuation: whether to map curly quotes, ellipses and dashes to ASCII.
        truncation: which tokens of a longer text to keep: `head`, `tail` or `head_tail`; see
            `truncation_mask`.
        clean: the task's own cleaning, from valid UTF-8 strings [batch] to strings [batch].
        added_tokens: tokens of a WordPiece vocabulary that are never split, matched in the normalised text.
        special_tokens: the same, matched in the text before normalisation.
        windows: into how many windows of `max_length` tokens a longer text is split at most; only what is
            longer still is truncated. See `Windows`; pairs are never split.

    Raises:
        VocabularyError: an added token cannot be found in texts.

    Examples:
        graph = TextGraph(WordPieceVocabulary.load("vocab.txt"), max_length=128)
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
        windows: int = 1,
    ):
        super().__init__(name="text_graph")
        self.vocabulary = vocabulary
        self.max_length = max_length
        self.windows = Windows(max_length, windows)
        self._ascii_punctuation = ascii_punctuation
        self._truncation = truncation
        self._clean = clean
        self._tokenizer = _tokenizer(vocabulary, lowercase, added_tokens, special_tokens)

    def __call__(self, text: tf.Tensor, pair: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        """Returns the model's inputs for a batch of texts.

        Args:
            text: string [batch].
            pair: string [batch], the second text of each row, or None.

        Returns:
            `token_ids`, `segment_ids`, `padding_mask`: int32 [batch, length], where length is the length
            of the longest row, rounded up, and at most `max_length`, or a multiple of it if a row has
            several windows.
        """
        return self.pack(self.tokenize(text), None if pair is None else self.tokenize(pair))

    def words(self, text: tf.Tensor) -> tf.RaggedTensor:
        """Returns the words of `text` after normalisation: string [batch, None]."""
        return self._tokenizer.words(self._cleaned(text))

    def split(self, text: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
        """Returns the words, string [batch, None], and the ids of their pieces, int32 [batch, None, None]."""
        return self._tokenizer.split(self._cleaned(text))

    def tokenize(self, text: tf.Tensor) -> tf.RaggedTensor:
        """Returns the ids of `text`, not truncated and without special tokens: int32 [batch, None]."""
        return self._tokenizer.tokenize(self._cleaned(text))

    def _cleaned(self, text: tf.Tensor) -> tf.Tensor:
        text = valid_utf8(text)
        if self._clean is not None:
            text = self._clean(text)
        return ascii_punctuation(text) if self._ascii_punctuation else text

    def pack(self, ids: tf.RaggedTensor, pair: tf.RaggedTensor | None = None) -> dict[str, tf.Tensor]:
        """Truncates `ids` (and `pair`), adds the special tokens, and pads; returns what `__call__` does."""
        if self.windows.most > 1 and pair is None:
            return self.windows.pack(self.truncate(ids), self.vocabulary)
        return pack(ids, pair, self.vocabulary, self.max_length, self._truncation)

    def kept(self, ids: tf.RaggedTensor, pair: tf.RaggedTensor | None = None) -> list[tf.Tensor]:
        """Returns how many tokens of `ids` (and of `pair`) `pack` keeps: int32 [batch] each."""
        if pair is None:
            return [tf.minimum(tf.cast(ids.row_lengths(), tf.int32), self.windows.budget)]
        return kept(ids, pair, self.vocabulary, self.max_length)

    def truncate(self, ids: tf.RaggedTensor) -> tf.RaggedTensor:
        """Returns the tokens that `pack` would keep of single texts `ids`, int32 [batch, None]."""
        return truncate(ids, self.windows.budget, self._truncation)

    def of_tokens(self, values: tf.Tensor, ids: tf.RaggedTensor) -> tf.Tensor:
        """Returns what values [batch, length] of the places of packed rows say of their tokens.

        Args:
            values: float32 [batch, length].
            ids: int32 [batch, None], of single texts, not truncated.

        Returns:
            float32 [batch, n]: the sums over the places of each token that was read, in order.
        """
        if self.windows.most > 1:
            return self.windows.of_tokens(values, self.truncate(ids))
        return values[:, 1:]

    def truncation_mask(self, ids: tf.RaggedTensor, read: tf.Tensor) -> tf.Tensor:
        """Returns which values of `ids` are kept if `read` tokens of each row are: bool [values]."""
        return truncation_mask(ids, read, self._truncation)


def _tokenizer(
    vocabulary: Vocabulary, lowercase: bool, added_tokens: Sequence[str], special_tokens: Sequence[str]
) -> WordPiece | Unigram:
    if isinstance(vocabulary, WordPieceVocabulary):
        return WordPiece(vocabulary, lowercase, added_tokens, special_tokens)
    assert isinstance(vocabulary, SentencePieceVocabulary)
    if added_tokens or special_tokens:
        raise VocabularyError(
            "a SentencePiece model has its added tokens in itself, as user-defined pieces. Remove "
            "text.added_tokens and text.special_tokens."
        )
    return Unigram(vocabulary)
