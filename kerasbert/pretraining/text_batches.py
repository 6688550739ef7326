"""Batches of texts with what their teacher makes of them, as a pure function of seed and step."""

import functools
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from kerasbert.pretraining.aligned_texts import AlignedTexts
from kerasbert.pretraining.masking import Masker
from kerasbert.pretraining.weights import of_mean_one
from kerasbert.text import Vocabulary
from kerasbert.text.packing import BUCKET

_Batch = tuple[dict[str, tf.Tensor], ...]
# Batches whose texts are sorted by length together.
_SORTED = 50


class TextBatches:
    """The texts of a phase, as batches.

    Args:
        files: with their states.
        rows: of each file the numbers of its texts, as often as they count.
        held_out: of each file which texts are held out.
        means: of the states of tokens and of texts, float32 [width] each; they are subtracted.
        vocabulary: of the student.
        max_length: maximum tokens of a text, special tokens included.
    """

    def __init__(
        self,
        files: Sequence[AlignedTexts],
        rows: Sequence[np.ndarray],
        held_out: Sequence[np.ndarray],
        means: tuple[np.ndarray, np.ndarray],
        vocabulary: Vocabulary,
        max_length: int,
    ):
        self._files, self._means = files, means
        self._vocabulary, self._max_length = vocabulary, max_length
        # Each text as its file, its number there and its tokens, int64 [texts, 3].
        train, validation = [], []
        for place, (file, numbers, held) in enumerate(zip(files, rows, held_out, strict=True)):
            tokens = np.minimum(np.diff(file.bounds), max_length - 2)
            texts = np.stack([np.full_like(numbers, place), numbers, tokens[numbers]], axis=1)
            texts = texts[texts[:, 2] > 0]
            train.append(texts[~held[texts[:, 1]]])
            validation.append(texts[held[texts[:, 1]]])
        self._train = np.concatenate(train)
        self._validation = np.unique(np.concatenate(validation), axis=0)  # however often they count

    @property
    def count(self) -> int:
        """Number of texts to train on, without those that have no tokens."""
        return len(self._train)

    def training(
        self, batch_size: int, seed: int, first: int, masker: Masker | None, masks_from: int
    ) -> tf.data.Dataset:
        """Returns endless batches as (inputs, targets, weights); see `_batch`.

        Every text occurs once in an epoch, in a new order and with a new mask each time; up to a batch of
        them is left out.

        Args:
            batch_size: texts of a batch.
            seed: of order and masks.
            first: batches of this phase to leave out: those that were trained on.
            masker: None: nothing is masked.
            masks_from: number of the first batch among those of the whole training.
        """
        per_epoch = self.count // batch_size

        @functools.lru_cache(2)
        def order(epoch: int) -> np.ndarray:
            random = np.random.default_rng([seed, epoch])
            texts = random.permutation(self._train)[: per_epoch * batch_size]
            groups = np.split(texts, range(_SORTED * batch_size, len(texts), _SORTED * batch_size))
            by_length = [group[np.argsort(group[:, 2], kind="stable")] for group in groups]
            return random.permutation(np.concatenate(by_length).reshape(per_epoch, batch_size, 3))

        def texts(number: int) -> np.ndarray:
            return order(number // per_epoch)[number % per_epoch]

        batches = self._batches(tf.data.Dataset.range(first, tf.int64.max), texts, batch_size)
        if masker is None:
            return batches.prefetch(4)

        def mask(number: tf.Tensor, batch: _Batch) -> _Batch:
            inputs, targets, weights = batch
            seeds = tf.stack([tf.constant(seed, tf.int64), number])
            masked = masker(inputs["token_ids"], inputs["words"], seeds)
            inputs = {**inputs, "token_ids": masked[0], "mask_positions": masked[1]}
            return inputs, {**targets, "mlm": masked[2]}, {**weights, "mlm": of_mean_one(masked[3])}

        numbered = batches.enumerate(masks_from)
        return numbered.map(mask, num_parallel_calls=2, deterministic=True).prefetch(4)

    def validation(self, batch_size: int) -> tf.data.Dataset:
        """Returns the held-out texts, unmasked; the last batch may be smaller."""

        def texts(number: int) -> np.ndarray:
            return self._validation[number * batch_size : (number + 1) * batch_size]

        numbers = tf.data.Dataset.range(-(-len(self._validation) // batch_size))
        return self._batches(numbers, texts, None).prefetch(4)

    def _batches(
        self, numbers: tf.data.Dataset, texts: Callable[[int], np.ndarray], batch_size: int | None
    ) -> tf.data.Dataset:
        """Returns a batch for each number.

        The inputs are `token_ids`, `segment_ids`, `padding_mask` and, for masks, `words`, int32 [batch,
        length]; the targets `tokens`, float16 [batch, length, width], and `texts`, float32 [batch, width];
        the weights, of mean one, `tokens` [batch, length] and `texts` [batch].
        """
        width = len(self._means[0])
        kinds = [tf.int32, tf.int32, tf.float16, tf.float32, tf.float32]
        of_rows: list[list[int | None]] = [[None], [None], [None, width], [None], [width]]
        shapes = [[batch_size, *shape] for shape in of_rows]

        def batch(number: tf.Tensor) -> _Batch:
            arrays = tf.numpy_function(lambda n: self._arrays(texts(int(n))), [number], kinds)
            ids, words, tokens, aligned, vectors = (
                tf.ensure_shape(array, shape) for array, shape in zip(arrays, shapes, strict=True)
            )
            real = tf.cast(words != -1, tf.int32)
            inputs = {
                "token_ids": ids,
                "segment_ids": tf.zeros_like(ids),
                "padding_mask": real,
                "words": tf.maximum(words, 0),
            }
            weights = {"tokens": of_mean_one(aligned), "texts": tf.ones(tf.shape(vectors)[:1])}
            return inputs, {"tokens": tokens, "texts": vectors}, weights

        return numbers.map(batch, num_parallel_calls=2, deterministic=True)

    def _arrays(self, texts: np.ndarray) -> list[np.ndarray]:
        """Returns a batch of texts [batch, 3] as arrays.

        The ids with special tokens, int32 [batch, length]; the word of each, 0 for special tokens and -1 for
        padding, int32 [batch, length]; the teacher's states, float16 [batch, length, width], and 1 where
        there is one, float32 [batch, length]; those of the texts, float32 [batch, width].
        """
        longest = int(texts[:, 2].max()) + 2
        length = min(-(-longest // BUCKET) * BUCKET, self._max_length)
        vocabulary, (token_mean, text_mean) = self._vocabulary, self._means
        ids = np.full([len(texts), length], vocabulary.pad, np.int32)
        words = np.full([len(texts), length], -1, np.int32)
        states = np.zeros([len(texts), length, len(token_mean)], np.float16)
        aligned = np.zeros([len(texts), length], np.float32)
        vectors = np.empty([len(texts), len(text_mean)], np.float32)
        for row, (place, number, tokens) in enumerate(texts):
            file = self._files[place]
            begin = file.bounds[number]
            ids[row, : tokens + 2] = [
                vocabulary.cls,
                *file.ids[begin : begin + tokens],
                vocabulary.sep,
            ]
            begins = file.begins[begin : begin + tokens].copy()
            begins[0] = True
            words[row, : tokens + 2] = 0
            words[row, 1 : tokens + 1] = begins.cumsum()
            vectors[row] = file.states.texts[number] - text_mean
            pairs = file.pairs[file.pair_bounds[number] : file.pair_bounds[number + 1]]
            pairs = pairs[: np.searchsorted(pairs[:, 0], tokens)]
            if len(pairs):
                own, others, overlap = pairs.T
                first = np.flatnonzero(np.diff(own, prepend=-1))
                taught = file.states.tokens[file.states.starts[number] + others].astype(np.float32)
                summed = np.add.reduceat(taught * overlap[:, None], first)
                total = np.add.reduceat(overlap, first)
                states[row, own[first] + 1] = summed / total[:, None] - token_mean
                aligned[row, own[first] + 1] = 1.0
        return [ids, words, states, aligned, vectors]
