"""The teacher of a pre-training: an encoder whose states the student learns to predict."""

import contextlib
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from kerasbert.checkpoints import BackboneSource
from kerasbert.config import TeacherConfig
from kerasbert.data.batches import slices
from kerasbert.encoding import read_text
from kerasbert.errors import ConfigError, UserError
from kerasbert.models import build_backbone
from kerasbert.pretraining.alignment import characters, token_characters
from kerasbert.text import TextGraph, string_tensor

_FORMAT = 1  # of the states on disk
_TEXTS = 4096  # tokenised at once
_LEAST = 4  # tokens of a text that must fit in beside the prefix


class Teacher:
    """Computes states of texts.

    Args:
        source: the encoder, of any vocabulary and size.
        config: which states of which text to take.
        precision: a Keras dtype policy, for the computation.

    Attributes:
        encoder: its sizes.
        licence: as its folder gives it, else empty.
        digest: of all that the states depend on besides the texts.
        width: of the states.
    """

    def __init__(self, source: BackboneSource, config: TeacherConfig, precision: str):
        self._source, self._config, self._precision = source, config, precision
        if config.max_length > source.config.max_positions:
            raise ConfigError(
                f"teacher.max_length: must be at most {source.config.max_positions}, the positions of "
                f"{config.source}. Received: {config.max_length}"
            )
        if config.layers > source.config.num_layers:
            raise ConfigError(
                f"teacher.layers: must be at most {source.config.num_layers}, the layers of "
                f"{config.source}. Received: {config.layers}"
            )
        self.vocabulary = source.vocabulary
        self.encoder = source.config
        self.width = source.config.hidden_dim
        self.licence = _licence(config.source)
        self.digest = self._digest()
        self._graph = TextGraph(source.vocabulary, config.max_length, **source.text)
        _, (_, tokens) = self.tokenize([""])
        if config.prefix and tokens > config.max_length - 2 - _LEAST:
            raise ConfigError(
                f"teacher.max_length: must be at least {tokens + 2 + _LEAST}, for the {tokens} tokens of "
                f"teacher.prefix and a text. Received: {config.max_length}"
            )
        self._characters = token_characters(source.vocabulary, side=1)
        self._prefix = len(characters(config.prefix))
        self._run: tf.types.experimental.PolymorphicFunction | None = None

    def tokenize(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Returns the tokens of texts without special ones: flat int32 ids, and int64 [texts + 1] bounds."""
        ids, lengths = [], []
        for part in slices(len(texts), _TEXTS):
            prefixed = string_tensor([self._config.prefix + text for text in texts[part]])
            tokens = self._graph.truncate(self._graph.tokenize(prefixed))
            ids.append(tokens.flat_values.numpy())
            lengths.append(tokens.row_lengths().numpy())
        bounds = np.concatenate([[0], *map(np.asarray, lengths)]).cumsum()
        return np.concatenate([np.zeros(0, np.int32), *ids]), bounds

    def token_characters(self, ids: np.ndarray) -> list[str]:
        """Returns the characters of a text's tokens, as `overlaps` takes them, without the prefix."""
        left, tokens = self._prefix, []
        for token in self._characters[ids]:
            tokens.append(token[left:])
            left = max(left - len(token), 0)
        return tokens

    def states(self, ids: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the states of tokens and of texts.

        Args:
            ids: int32 [tokens], as `tokenize` returns them.
            lengths: int64 [texts], tokens of each text.

        Returns:
            float32 [tokens, width], and the means over all tokens of a text, special ones included, float32
            [texts, width].
        """
        if self._run is None:
            self._run = self._build()
        tokens, texts = self._run(tf.constant(ids), tf.constant(lengths))
        return tokens.numpy(), texts.numpy()

    def release(self) -> None:
        """Frees the model; `states` would build it again."""
        self._run = None

    def _build(self) -> tf.types.experimental.PolymorphicFunction:
        encoder = build_backbone(self._source.config, len(self.vocabulary), self._precision)
        self._source.copy_to(encoder)

        @tf.function(
            input_signature=[tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], tf.int64)],
            reduce_retracing=True,
        )
        def run(ids: tf.Tensor, lengths: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            inputs = self._graph.pack(tf.RaggedTensor.from_row_lengths(ids, lengths))
            encoded = encoder(inputs, return_sequence=False, return_hidden_states=True)
            chosen = encoded["hidden_states"][-self._config.layers :]
            states = tf.add_n([tf.cast(layer, tf.float32) for layer in chosen]) / len(chosen)
            rows = tf.where(inputs["padding_mask"] != 0)
            # Of each row all but the first and the last token, which are special.
            ordinary = (rows[:, 1] > 0) & (rows[:, 1] <= tf.gather(lengths, rows[:, 0]))
            return tf.boolean_mask(states, ordinary), tf.math.segment_mean(states, rows[:, 0])

        return run

    def _digest(self) -> str:
        settings = self._config.model_dump(include={"prefix", "layers", "max_length"})
        facts = {
            "format": _FORMAT,
            "precision": self._precision,
            "vocabulary": self.vocabulary.digest,
            "text": dict(self._source.text),
            "encoder": self._source.config.model_dump(exclude={"source", "dropout"}),
            **settings,
        }
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
        for path, weight in sorted(self._source.weights.items()):
            digest.update(path.encode() + np.ascontiguousarray(weight).tobytes())
        return digest.hexdigest()


def _licence(source: str | None) -> str:
    """Returns the licence in the front matter of a folder's README.md or MODEL_CARD.md, else nothing."""
    for name in ("README.md", "MODEL_CARD.md"):
        with contextlib.suppress(OSError, UserError):
            for line in read_text(Path(str(source)) / name).splitlines()[:40]:
                if line.lower().startswith("license:"):
                    return line.partition(":")[2].strip()
    return ""
