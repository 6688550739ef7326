"""Reads vocabularies of either kind."""

from pathlib import Path

from kerasbert.errors import VocabularyError
from kerasbert.text.sentencepiece_vocabulary import SentencePieceVocabulary
from kerasbert.text.vocabulary import Vocabulary
from kerasbert.text.wordpiece_vocabulary import WordPieceVocabulary


def vocabulary_file(directory: Path) -> Path:
    """Returns the path of the vocabulary in a directory: a SentencePiece model, or a vocab.txt."""
    path = directory / SentencePieceVocabulary.file_name
    return path if path.is_file() else directory / WordPieceVocabulary.file_name


def load_vocabulary(directory: Path) -> Vocabulary:
    """Reads the vocabulary in a directory of kerasbert.

    Raises:
        VocabularyError: there is no vocabulary, or it is damaged.
    """
    path = vocabulary_file(directory)
    kinds = (SentencePieceVocabulary, WordPieceVocabulary)
    return next(kind for kind in kinds if kind.file_name == path.name).load(path)


def import_vocabulary(path: str | Path) -> Vocabulary:
    """Reads a vocab.txt, or a SentencePiece model (*.model) whose piece numbers are the token ids.

    Raises:
        VocabularyError: the file cannot be read, or is neither.
    """
    if Path(path).is_dir():
        raise VocabularyError(
            f"{path}: is a folder. Expected a vocab.txt or a SentencePiece model (*.model)."
        )
    if Path(path).suffix == ".model":
        return SentencePieceVocabulary.load(path)
    return WordPieceVocabulary.import_file(path)
