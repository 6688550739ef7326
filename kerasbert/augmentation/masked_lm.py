"""Replaces tokens by others that the pre-trained backbone predicts in their place."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from kerasbert.checkpoints import BackboneSource
from kerasbert.data.batches import slices
from kerasbert.errors import ConfigError
from kerasbert.models import build_backbone, build_pretraining_model
from kerasbert.text import JOINED, TextGraph

_BATCH = 64
_CANDIDATES = 5


class MaskedLM:
    """Masks tokens and lets the pre-trained backbone fill them in (Kobayashi 2018; Wu et al. 2019).

    Each replacement is drawn from the five most probable other tokens, in proportion to their
    probabilities. The texts are decoded from tokens, so they are normalised and truncated.

    Args:
        source: a backbone with its masked LM head.
        graph: the training's text graph.

    Raises:
        ConfigError: the source has no masked LM head.
    """

    def __init__(self, source: BackboneSource | None, graph: TextGraph):
        if source is None or "mlm_head" not in source.head_names:
            raise ConfigError(
                "augmentation.methods: masked_lm needs a backbone.source with a masked LM head, such as "
                "kerasbert-tiny-zh."
            )
        self._graph, self._vocabulary = graph, source.vocabulary
        backbone = build_backbone(source.config, len(source.vocabulary))
        self._model: keras.Model = build_pretraining_model(backbone, source.config, next_sentence=False)
        source.copy_to(backbone)
        source.copy_heads_to(self._model)
        vocabulary = source.vocabulary
        self._before, self._after = vocabulary.joints
        # Tokens that may be replaced or inserted: those that are words by themselves.
        self._ordinary = np.zeros(len(vocabulary), bool)
        self._ordinary[[id for id in vocabulary.ordinary if vocabulary.spell([id]).isalnum()]] = True
        self._guess = tf.function(self._most_probable, reduce_retracing=True)

    def __call__(self, texts: Sequence[str], share: float, random: np.random.Generator) -> list[str]:
        """Returns each text with this share of its tokens replaced, at least one if possible."""
        return [
            text
            for part in slices(len(texts), _BATCH)
            for text in self._replace(list(texts[part]), share, random)
        ]

    def _replace(self, texts: list[str], share: float, random: np.random.Generator) -> list[str]:
        inputs = self._graph(tf.constant(texts))
        ids = inputs["token_ids"].numpy()
        chosen = [self._choose(row, share, random) for row in ids]
        most = max(1, *map(len, chosen))
        positions = np.array([[*places, *[0] * (most - len(places))] for places in chosen], np.int32)
        masked = ids.copy()
        for row, places in zip(masked, chosen, strict=True):
            row[places] = self._vocabulary.mask
        inputs = {**inputs, "token_ids": tf.constant(masked), "mask_positions": tf.constant(positions)}
        values, options = (
            part.numpy() for part in self._guess(inputs, tf.gather(ids, positions, batch_dims=1))
        )
        # The Gumbel-max trick: the argmax is a sample in proportion to the probabilities.
        noise = random.gumbel(size=values.shape)
        drawn = np.take_along_axis(options, np.argmax(values + noise, axis=-1)[..., None], axis=-1)[..., 0]
        for row, places, new in zip(ids, chosen, drawn, strict=True):
            row[places] = new[: len(places)]
        return [self._vocabulary.spell(row) for row in ids]

    def _choose(self, ids: np.ndarray, share: float, random: np.random.Generator) -> list[int]:
        before, after = self._before[ids[1:]], self._after[ids[:-1]]
        inside = (before + after >= JOINED) & (after <= 1)  # between letters, not after SentencePiece's space
        alone = ~np.append(inside, False) & ~np.append(False, inside)
        words = np.flatnonzero(self._ordinary[ids] & alone)
        count = max(1, round(share * len(words)))
        return sorted(random.permutation(words)[:count].astype(int).tolist())

    def _most_probable(self, inputs: dict[str, tf.Tensor], real: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        logits = self._model(inputs, training=False)["mlm"]
        # One that joins the token before in another way would change the words.
        allowed = self._ordinary & (self._before == tf.gather(self._before, real)[..., None])
        allowed &= tf.range(logits.shape[-1]) != real[..., None]
        values, options = tf.math.top_k(tf.where(allowed, logits, -1e9), _CANDIDATES)
        return values, options
