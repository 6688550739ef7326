"""The classifier where nothing is learned: the trainer's weights, laid out and computed for speed."""

from kerasbert.inference.classifier import InferenceClassifier
from kerasbert.inference.packed_encoder import PackedEncoder

__all__ = ["InferenceClassifier", "PackedEncoder"]
