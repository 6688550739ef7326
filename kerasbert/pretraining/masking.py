"""Dynamic masking of whole words, as a pure function of the batch and a seed."""

import tensorflow as tf

from kerasbert.config import MaskingConfig
from kerasbert.text import Vocabulary

# Of the tokens to guess, 80 % become [MASK], 10 % a random token, 10 % stay (Devlin et al. 2019, 3.1).
_MASKED, _RANDOM = 0.8, 0.1
# A further word joins a span with this probability: lengths are geometric (SpanBERT, Joshi et al. 2020).
_JOIN = 0.5


class Masker:
    """Draws the tokens of a batch to predict, and what the encoder sees in their place.

    Args:
        vocabulary: of the tokens; random ones are drawn from its ordinary ones.
        config: share, whole words, spans.
    """

    def __init__(self, vocabulary: Vocabulary, config: MaskingConfig):
        self._config = config
        self._mask = vocabulary.mask
        self._ordinary = tf.constant(vocabulary.ordinary)

    def __call__(
        self, token_ids: tf.Tensor, words: tf.Tensor, seed: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns the masked ids and the tokens to predict.

        Args:
            token_ids: int32 [batch, length].
            words: int32 [batch, length], the number of the word each token belongs to, 0 for special
                tokens and padding; see `corpus.examples.Example`.
            seed: int64 [2].

        Returns:
            The masked ids, int32 [batch, length]; the positions to guess and the ids that stood there,
            int32 [batch, masks]; 1 for each real one and 0 for padding, float32 [batch, masks].
            `masks` is the largest number in a row.
        """
        seeds = tf.unstack(tf.random.split(seed, 4))
        chosen = self._choose(words, seeds[0], seeds[1])
        count = tf.reduce_sum(tf.cast(chosen, tf.int32), axis=1, keepdims=True)
        # Each place costs logits for the whole vocabulary: short rows have few.
        most = tf.maximum(tf.reduce_max(count), 1)
        positions = tf.argsort(tf.cast(~chosen, tf.int32), axis=1, stable=True)[:, :most]
        real = tf.range(most)[None, :] < count
        positions = tf.where(real, positions, 0)
        labels = tf.where(real, tf.gather(token_ids, positions, batch_dims=1), 0)

        draw = tf.random.stateless_uniform(tf.shape(token_ids), seeds[2])
        place = tf.random.stateless_uniform(
            tf.shape(token_ids), seeds[3], maxval=tf.size(self._ordinary), dtype=tf.int32
        )
        shown = tf.where(draw < _MASKED + _RANDOM, tf.gather(self._ordinary, place), token_ids)
        shown = tf.where(draw < _MASKED, self._mask, shown)
        return tf.where(chosen, shown, token_ids), positions, labels, tf.cast(real, tf.float32)

    def _choose(self, words: tf.Tensor, order_seed: tf.Tensor, span_seed: tf.Tensor) -> tf.Tensor:
        """Returns which tokens to predict: bool [batch, length].

        Words come in random order; each one is taken that still fits into the row's budget.
        """
        rows, length = tf.unstack(tf.shape(words))
        units = self._units(words, span_seed)
        # Tokens of each unit, [batch, length + 1]; unit 0 must not be chosen.
        flat = units + tf.range(rows)[:, None] * (length + 1)
        sizes = tf.math.unsorted_segment_sum(tf.ones_like(units), flat, rows * (length + 1))
        sizes = tf.reshape(sizes, [rows, length + 1])
        sizes *= tf.cast(tf.range(length + 1) > 0, tf.int32)
        score = tf.random.stateless_uniform(tf.shape(sizes), order_seed)
        order = tf.argsort(tf.where(sizes > 0, score, 2.0), axis=1, stable=True)
        sizes = tf.gather(sizes, order, batch_dims=1)

        tokens = tf.cast(tf.reduce_sum(sizes, axis=1), tf.float32)
        budget = tf.maximum(tf.cast(tf.round(tokens * self._config.fraction), tf.int32), 1)
        taken = _fill(sizes, budget)
        taken = tf.gather(taken, tf.argsort(order, axis=1), batch_dims=1)
        return tf.gather(taken, units, batch_dims=1)

    def _units(self, words: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Returns the number of what is masked together, from 1, for each token: int32 [batch, length]."""
        real = words > 0
        before = tf.pad(words, [[0, 0], [1, 0]])[:, :-1]
        starts = real & (words != before) if self._config.whole_words else real
        longest = self._config.longest_span
        if longest > 1:
            span_seed, shift_seed = tf.unstack(tf.random.split(seed, 2))
            joins = tf.random.stateless_uniform(tf.shape(words), span_seed) < _JOIN
            # A boundary at every `longest`-th word, from a random one on, limits the spans.
            shift = tf.random.stateless_uniform(
                [tf.shape(words)[0], 1], shift_seed, maxval=longest, dtype=tf.int32
            )
            word = tf.cumsum(tf.cast(starts, tf.int32), axis=1)
            starts &= ~(joins & (before > 0) & ((word + shift) % longest != 0))
        return tf.cumsum(tf.cast(starts, tf.int32), axis=1) * tf.cast(real, tf.int32)


def _fill(sizes: tf.Tensor, budget: tf.Tensor) -> tf.Tensor:
    """Returns which sizes are taken when, in order, each one is that still fits: bool [batch, units].

    Each pass takes all up to the first one that is too large; that one never fits again.
    """

    def fitting(taken: tf.Tensor, left: tf.Tensor) -> tf.Tensor:
        return ~taken & (sizes > 0) & (sizes <= left)

    def take(taken: tf.Tensor, left: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        fits = fitting(taken, left)
        now = fits & (tf.cumsum(tf.where(fits, sizes, 0), axis=1) <= left)
        return taken | now, left - tf.reduce_sum(tf.where(now, sizes, 0), axis=1, keepdims=True)

    none = tf.zeros_like(sizes, tf.bool)
    taken, _ = tf.while_loop(
        lambda taken, left: tf.reduce_any(fitting(taken, left)), take, (none, budget[:, None])
    )
    return taken
