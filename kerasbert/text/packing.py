"""[CLS] a [SEP] b [SEP], or <s> a </s></s> b </s>: truncates and pads rows of token ids."""

import tensorflow as tf

from kerasbert.text.truncation import truncate
from kerasbert.text.vocabulary import Vocabulary

# Rows are padded to a multiple of this, so that kernels see few different shapes.
BUCKET = 8


def pack(
    ids: tf.RaggedTensor,
    pair: tf.RaggedTensor | None,
    vocabulary: Vocabulary,
    max_length: int,
    truncation: str = "head",
) -> dict[str, tf.Tensor]:
    """Returns `token_ids`, `segment_ids`, `padding_mask`: int32 [batch, length].

    Args:
        ids: int32 [batch, None], without special tokens.
        pair: int32 [batch, None] or None. Pairs are truncated longest first, as in Transformers.
        vocabulary: supplies the special tokens, and what stands between the texts of a pair.
        max_length: maximum number of tokens of a row.
        truncation: which tokens of a text to keep if it is too long; see `truncation_mask`.
    """
    first_segment = None
    if pair is None:
        # Of a row that is too long, only the head is made dense below.
        row = ids if truncation == "head" else truncate(ids, max_length - 2, truncation)
    else:
        keep, keep_pair = kept(ids, pair, vocabulary, max_length)
        ids, pair = truncate(ids, keep, truncation), truncate(pair, keep_pair, truncation)
        between = [tf.fill([ids.nrows(), 1], vocabulary.sep)] * (2 if vocabulary.two_separators else 1)
        row = tf.concat([ids, *between, pair], axis=1)
        if not vocabulary.two_separators:
            first_segment = tf.cast(ids.row_lengths(), tf.int32)[:, None] + 2

    lengths = tf.minimum(tf.cast(row.row_lengths(), tf.int32) + 2, max_length)
    # An empty batch has no longest row: reduce_max returns the smallest int32.
    longest = tf.maximum(tf.reduce_max(lengths), 2)
    length = tf.minimum((longest + BUCKET - 1) // BUCKET * BUCKET, max_length)
    position = tf.range(length)
    real = position < lengths[:, None]
    batch = tf.size(lengths)
    # [SEP] follows the last token, and fills the row until what is not real becomes [PAD].
    dense = row.to_tensor(default_value=vocabulary.sep, shape=tf.stack([batch, length - 2]))
    cls, sep = (tf.fill([batch, 1], token) for token in (vocabulary.cls, vocabulary.sep))
    token_ids = tf.where(real, tf.concat([cls, dense, sep], axis=1), vocabulary.pad)
    padding_mask = tf.cast(real, tf.int32)
    if first_segment is None:
        segment_ids = tf.zeros_like(token_ids)
    else:
        segment_ids = tf.cast(position >= first_segment, tf.int32) * padding_mask
    return {"token_ids": token_ids, "segment_ids": segment_ids, "padding_mask": padding_mask}


def kept(
    ids: tf.RaggedTensor, pair: tf.RaggedTensor | None, vocabulary: Vocabulary, max_length: int
) -> list[tf.Tensor]:
    """Returns how many tokens of `ids`, and of `pair` if there is one, `pack` keeps: int32 [batch] each."""
    if pair is None:
        return [tf.minimum(tf.cast(ids.row_lengths(), tf.int32), max_length - 2)]
    return _longest_first(ids, pair, max_length - (4 if vocabulary.two_separators else 3))


def _longest_first(ids: tf.RaggedTensor, pair: tf.RaggedTensor, budget: int) -> list[tf.Tensor]:
    """Returns how many tokens of each row to keep so that both fit into `budget`: int32 [batch] each.

    The closed form of removing one token at a time from the longer row. If both end up at half the budget,
    an odd token goes to `ids` only if it was longer.
    """
    a, b = tf.cast(ids.row_lengths(), tf.int32), tf.cast(pair.row_lengths(), tf.int32)
    small, large = budget // 2, budget - budget // 2
    keep_a = tf.where(a > b, tf.maximum(large, budget - b), tf.maximum(small, budget - b))
    keep_a = tf.minimum(a, keep_a)
    keep_b = tf.minimum(b, budget - keep_a)
    return [keep_a, keep_b]
