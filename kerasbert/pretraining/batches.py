"""Batches of a phase, as a pure function of corpus, seed and step."""

import tensorflow as tf

from kerasbert.config import PretrainingConfig
from kerasbert.corpus import Corpus
from kerasbert.corpus.examples import NO_PAIR
from kerasbert.corpus.records import parse
from kerasbert.pretraining.masking import Masker
from kerasbert.pretraining.weights import of_mean_one

# Examples shuffled at a time; the shards themselves are in random order already.
_WINDOW = 1 << 16
# Masks of the held-out examples are the same at each validation.
_VALIDATION_SEED = -1


def training_batches(
    corpus: Corpus, config: PretrainingConfig, batch_size: int, first: int, masks_from: int
) -> tf.data.Dataset:
    """Returns endless batches of masked examples as (inputs, targets, weights).

    Every example occurs once in an epoch, in a new order and with a new mask each time.

    Args:
        corpus: with the examples.
        config: how to mask, the seed, and whether the second segments matter.
        batch_size: examples of a batch.
        first: batches of this phase to leave out: those that were trained on.
        masks_from: number of the first batch among those of the whole training.
    """
    seed = config.training.seed
    skipped = first * batch_size
    epoch, done = divmod(skipped, corpus.counts["train"].examples)
    files = tf.constant(corpus.files("train"))

    def examples(epoch: tf.Tensor) -> tf.data.Dataset:
        seeds = tf.random.split(tf.stack([tf.constant(seed, tf.int64), epoch]), 2)
        shards = tf.data.TFRecordDataset(tf.random.experimental.stateless_shuffle(files, seeds[0]))
        # Dataset.shuffle takes no seed that depends on the epoch.
        windows = shards.batch(_WINDOW).enumerate()
        return windows.map(
            lambda place, window: tf.random.experimental.stateless_shuffle(
                window, tf.random.fold_in(seeds[1], place)
            )
        ).unbatch()

    epochs = tf.data.Dataset.range(epoch, tf.int64.max)
    batches = epochs.flat_map(examples).skip(done).batch(batch_size, drop_remainder=True)
    return _masked(batches, corpus, config, seed, masks_from)


def validation_batches(corpus: Corpus, config: PretrainingConfig, batch_size: int) -> tf.data.Dataset:
    """Returns the held-out examples with fixed masks, as (inputs, targets, weights)."""
    batches = tf.data.TFRecordDataset(corpus.files("validation")).batch(batch_size)
    return _masked(batches, corpus, config, _VALIDATION_SEED, 0)


def _masked(
    batches: tf.data.Dataset, corpus: Corpus, config: PretrainingConfig, seed: int, first: int
) -> tf.data.Dataset:
    masker = Masker(corpus.vocabulary, config.masking)

    def mask(number: tf.Tensor, records: tf.Tensor) -> tuple[dict[str, tf.Tensor], ...]:
        row = parse(records, corpus.vocabulary.pad)
        words, label = row.pop("words"), row.pop("label")
        seeds = tf.stack([tf.constant(seed, tf.int64), number])
        row["token_ids"], row["mask_positions"], targets, real = masker(row["token_ids"], words, seeds)
        labels, weights = {"mlm": targets}, {"mlm": of_mean_one(real)}
        if config.pairs:
            labels["nsp"] = tf.maximum(label, 0)
            weights["nsp"] = of_mean_one(tf.cast(label != NO_PAIR, tf.float32))
        return row, labels, weights

    numbered = batches.enumerate(first)
    return numbered.map(mask, num_parallel_calls=2, deterministic=True).prefetch(4)
