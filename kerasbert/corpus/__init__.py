"""Turns raw text into the sharded examples for pre-training."""

from kerasbert.corpus.build import build_corpus
from kerasbert.corpus.corpus import Corpus
from kerasbert.corpus.read import Document, read_documents
from kerasbert.corpus.report import describe
from kerasbert.corpus.settings import CorpusSettings
from kerasbert.corpus.vocabulary import train_vocabulary

__all__ = [
    "Corpus",
    "CorpusSettings",
    "Document",
    "build_corpus",
    "describe",
    "read_documents",
    "train_vocabulary",
]
