"""The signatures of the exported model."""

from collections.abc import Collection
from typing import Any

import tensorflow as tf

from kerasbert.explanation import explain
from kerasbert.export.examples import read_strings
from kerasbert.inference import InferenceClassifier

OPTIONAL = ("embed",)  # signatures that an export has on request


def build_signatures(classifier: InferenceClassifier, more: Collection[str] = ()) -> dict[str, Any]:
    """Returns the functions a server offers.

    - `serving_default`: `text` string [batch] (and `pair`) to the task's outputs;
    - `classify`: `inputs`, serialized `tf.Example`s [batch] with a feature `text` (and `pair`), to
      `classes` string and `scores` float32, both [batch, labels];
    - `token_ids`: `token_ids`, `segment_ids`, `padding_mask`, int32 [batch, length], to the task's
      outputs;
    - `explain`: `text` (and `pair`) and `label`, string [batch], "" for the decided one, to which words
      mattered: see `kerasbert.explanation.explain`;
    - `embed`: `text` (and `pair`) to `vector`, float32 [batch, hidden], the mean over the real tokens.

    Args:
        classifier: what computes them.
        more: which of `OPTIONAL` are wanted.
    """
    texts = ("text", "pair") if classifier.takes_pairs else ("text",)

    def serving_default(**features: tf.Tensor) -> dict[str, tf.Tensor]:
        return classifier(features["text"], features.get("pair"))

    def classify(inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        features = read_strings(inputs, texts)
        labels = tf.constant([classifier.labels])
        return {
            "classes": tf.tile(labels, [tf.shape(inputs)[0], 1]),
            "scores": serving_default(**features)["probabilities"],
        }

    def token_ids(**inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return classifier.decide(inputs)

    def explanation(**features: tf.Tensor) -> dict[str, tf.Tensor]:
        return explain(classifier, features["text"], features.get("pair"), features["label"])

    def embed(**features: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"vector": classifier.vectors(features["text"], features.get("pair"))}

    def concrete(function: Any, names: tuple[str, ...], *shape_dtype: Any) -> Any:
        specs = {name: tf.TensorSpec(*shape_dtype, name=name) for name in names}
        return tf.function(function).get_concrete_function(**specs)

    strings, ids = ([None], tf.string), ([None, None], tf.int32)
    signatures = {
        "serving_default": concrete(serving_default, texts, *strings),
        "classify": concrete(classify, ("inputs",), *strings),
        "token_ids": concrete(token_ids, ("token_ids", "segment_ids", "padding_mask"), *ids),
        "explain": concrete(explanation, (*texts, "label"), *strings),
    }
    if "embed" in more:
        signatures["embed"] = concrete(embed, texts, *strings)
    return signatures
