"""The encoder, the model over it, and what answers strings: with decisions, or with vectors."""

from kerasbert.models.backbone import build_backbone, complete_backbone_config
from kerasbert.models.classifier import Classifier, build_model
from kerasbert.models.outliers import mean_embeddings
from kerasbert.models.pretraining import build_pretraining_model
from kerasbert.models.text_classifier import TextClassifier, build_text_graph
from kerasbert.models.text_model import TextModel
from kerasbert.models.text_vectors import text_vectors

__all__ = [
    "Classifier",
    "TextClassifier",
    "TextModel",
    "build_backbone",
    "build_model",
    "build_pretraining_model",
    "build_text_graph",
    "complete_backbone_config",
    "mean_embeddings",
    "text_vectors",
]
