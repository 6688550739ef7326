"""From strings to token ids: one TensorFlow graph, the same in training and in the SavedModel."""

from kerasbert.text.graph import TextGraph, string_tensor
from kerasbert.text.learn import learn_vocabulary
from kerasbert.text.sanitize import Sanitizer
from kerasbert.text.vocabulary import SPECIAL_TOKENS, Vocabulary

__all__ = ["SPECIAL_TOKENS", "Sanitizer", "TextGraph", "Vocabulary", "learn_vocabulary", "string_tensor"]
