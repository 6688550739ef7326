"""SentencePiece's tokenisation in the graph."""

import copy
import hashlib

import tensorflow as tf
import tensorflow_text as tf_text
from tensorflow_text.python.ops import sentencepiece_tokenizer

from kerasbert.text.sentencepiece_vocabulary import SPACE, SentencePieceVocabulary
from kerasbert.text.vocabulary import JOINED

# Longer texts are split at every so many characters: the time for a run of unknown ones grows quadratically.
LONGEST_PART = 8192


class _Model(sentencepiece_tokenizer._SentencepieceModelResource):
    """The model in memory, which outlives `tf.random.set_seed`.

    That drops TensorFlow's kernels, and with a kernel what it made, unless that has a name.
    """

    def _create_resource(self) -> tf.Tensor:
        if not tf.executing_eagerly():
            return super()._create_resource()
        name = f"kerasbert-{hashlib.sha256(self._model).hexdigest()}"
        return sentencepiece_tokenizer.gen_sentencepiece_tokenizer.sentencepiece_op(
            self._model, shared_name=name
        )


class Unigram(tf.Module):
    """Splits valid UTF-8 into the pieces of a SentencePiece model, as the `sentencepiece` library does.

    Texts of more than 8,192 characters are read as several, one after the other.

    The graph holds the model itself. A word is what the model puts a space before, except that Chinese and
    Japanese pieces and punctuation are words of their own.

    Args:
        vocabulary: with the model.
    """

    def __init__(self, vocabulary: SentencePieceVocabulary):
        super().__init__(name="unigram")
        # Not FastSentencepieceTokenizer, which stock TensorFlow Serving lacks the ops for.
        self._ids = tf_text.SentencepieceTokenizer(vocabulary.content, out_type=tf.int32)
        self._ids._model_resource = _Model(vocabulary.content, None)
        # The same model; spells unknown pieces as they are in the text.
        self._spellings = copy.copy(self._ids)
        self._spellings.out_type = tf.string
        self._vocabulary = vocabulary

    def words(self, text: tf.Tensor) -> tf.RaggedTensor:
        """Returns the words of `text`: string [batch] -> string [batch, None]."""
        return self.split(text)[0]

    def split(self, text: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
        """Returns the words, string [batch, None], and the ids of their pieces, int32 [batch, None, None]."""
        ids, pieces = self._run(text, self._ids), self._run(text, self._spellings)
        starts = self._starts(ids)
        word = tf.cumsum(tf.cast(starts, tf.int64)) - 1  # of each piece
        count = tf.math.count_nonzero(starts)
        words_of_text = tf.RaggedTensor.from_value_rowids(
            tf.range(count), tf.boolean_mask(ids.value_rowids(), starts), ids.nrows(), validate=False
        )
        nested = tf.RaggedTensor.from_value_rowids(ids.flat_values, word, count, validate=False)
        words = tf.strings.reduce_join(nested.with_values(pieces.flat_values), axis=-1)
        words = tf.strings.regex_replace(words, f"^{SPACE}+(.)", r"\1")
        return words_of_text.with_values(words), words_of_text.with_values(nested)

    def tokenize(self, text: tf.Tensor) -> tf.RaggedTensor:
        """Returns the ids of the pieces: string [batch] -> int32 [batch, None]."""
        return self._run(text, self._ids)

    def _run(self, text: tf.Tensor, tokenizer: tf_text.SentencepieceTokenizer) -> tf.RaggedTensor:
        lengths = tf.strings.length(text, "UTF8_CHAR")
        begins = tf.ragged.range(tf.zeros_like(lengths), tf.maximum(lengths, 1), LONGEST_PART)
        whole = tf.gather(text, begins.value_rowids())
        parts = tf.strings.substr(
            whole, begins.flat_values, tf.fill(tf.shape(whole), LONGEST_PART), "UTF8_CHAR"
        )
        return begins.with_values(tokenizer.tokenize(parts)).merge_dims(1, 2)

    def _starts(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Returns which pieces start a word: bool [pieces]."""
        pieces, row = ids.flat_values, ids.value_rowids()
        before, after = self._vocabulary.joints
        joint = tf.gather(before, pieces[1:]) + tf.gather(after, pieces[:-1])
        starts = (joint < JOINED) | (row[1:] != row[:-1])
        # The first piece of all starts a word, if there is one.
        return tf.concat([tf.ones_like(pieces[:1], tf.bool), starts], axis=0)
