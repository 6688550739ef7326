"""From strings to token ids: one TensorFlow graph, the same in training and in the SavedModel."""

from kerasbert.text.graph import TextGraph, string_tensor
from kerasbert.text.learn import learn_vocabulary
from kerasbert.text.learn_sentencepiece import learn_sentencepiece
from kerasbert.text.load import import_vocabulary, load_vocabulary, vocabulary_file
from kerasbert.text.sanitize import Sanitizer
from kerasbert.text.sentencepiece_vocabulary import SentencePieceVocabulary
from kerasbert.text.vocabulary import JOINED, Vocabulary
from kerasbert.text.wordpiece_vocabulary import SPECIAL_TOKENS, WordPieceVocabulary

__all__ = [
    "JOINED",
    "SPECIAL_TOKENS",
    "Sanitizer",
    "SentencePieceVocabulary",
    "TextGraph",
    "Vocabulary",
    "WordPieceVocabulary",
    "import_vocabulary",
    "learn_sentencepiece",
    "learn_vocabulary",
    "load_vocabulary",
    "string_tensor",
    "vocabulary_file",
]
