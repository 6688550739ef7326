"""The run directory: the results of a training, and all that is needed to load its model."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from kerasbert.checkpoints.weights import load_weights, save_weights
from kerasbert.config import ResolvedConfig, dump_yaml, read_resolved_config
from kerasbert.data.labels import read_labels, write_labels
from kerasbert.errors import CheckpointError
from kerasbert.files import make_directory, require_new_directory, write_json, write_text
from kerasbert.layout import RUN_CONFIG, RUN_METRICS, require_finished
from kerasbert.models import TextClassifier
from kerasbert.tasks import get_task
from kerasbert.text import Vocabulary, load_vocabulary, vocabulary_file

PREDICTIONS = "predictions.jsonl"


class RunDirectory:
    """`config.yaml`, the vocabulary, `labels.txt`, `model.weights.h5`, `metrics.json` and more.

    `metrics.json` is written last: a directory without it is not a finished run.

    Args:
        path: of the directory; it need not exist yet.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.config = self.path / RUN_CONFIG
        self.labels = self.path / "labels.txt"
        self.weights = self.path / "model.weights.h5"
        self.outliers = self.path / "outliers.safetensors"
        self.data = self.path / "data.json"
        self.history = self.path / "history.jsonl"
        self.left_out = self.path / "left_out.jsonl"
        self.augmented = self.path / "augmented.jsonl"
        self.predictions = self.path / PREDICTIONS
        self.metrics = self.path / RUN_METRICS
        self.model_card = self.path / "MODEL_CARD.md"
        self.report = self.path / "report"
        self.checkpoints = self.path / "checkpoints"
        self.tensorboard = self.path / "tensorboard"

    @property
    def vocabulary(self) -> Path:
        """The file of the vocabulary: `vocab.txt` or `sentencepiece.model`."""
        return vocabulary_file(self.path)

    @classmethod
    def is_run(cls, path: str | Path) -> bool:
        """Whether `path` looks like a run directory, finished or not."""
        return cls(path).config.is_file()

    def create(self) -> None:
        """Makes the directory, which must be new or empty."""
        require_new_directory(self.path, "run_dir (--output)")
        make_directory(self.path)

    def save_setup(self, config: ResolvedConfig, vocabulary: Vocabulary, labels: Sequence[str]) -> None:
        """Writes the configuration, the vocabulary and the labels."""
        self.save_config(config)
        vocabulary.save(self.path / vocabulary.file_name)
        write_labels(self.labels, labels)

    def save_config(self, config: ResolvedConfig) -> None:
        """Writes the resolved configuration."""
        write_text(self.config, dump_yaml(config.model_dump()))

    def save_weights(self, model: keras.Model, vocabulary: Vocabulary, labels: Sequence[str]) -> None:
        """Writes the best weights so far."""
        save_weights(model, self.weights, _belongs_to(vocabulary, labels))

    def save_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Marks the run as finished."""
        write_json(self.metrics, metrics)

    def load_config(self) -> ResolvedConfig:
        """Returns the resolved configuration."""
        if not self.config.is_file():
            raise CheckpointError(f"{self.path}: is not a run directory (it has no config.yaml).")
        return read_resolved_config(self.config)

    def load(self) -> TextClassifier:
        """Returns the trained classifier.

        Raises:
            CheckpointError: the run is unfinished, or a file of it is missing, damaged or foreign.
        """
        config = self.load_config()
        require_finished(self.path)
        vocabulary = self.load_vocabulary()
        labels = self.load_labels()
        task = get_task(config.task)(labels, config.task_options)
        classifier = self.load_weights_into(TextClassifier(config, task, vocabulary))
        if classifier.outliers is not None:
            classifier.outliers.load(self.outliers)
        return classifier

    def load_weights_into(self, classifier: TextClassifier) -> TextClassifier:
        """Returns `classifier` with the weights of the run."""
        belongs_to = _belongs_to(classifier.text_graph.vocabulary, classifier.task.labels)
        load_weights(classifier.model, self.weights, belongs_to)
        return classifier

    def load_vocabulary(self) -> Vocabulary:
        """Returns the vocabulary."""
        return load_vocabulary(self.path)

    def load_labels(self) -> list[str]:
        """Returns the labels in their order."""
        return read_labels(self.labels)


def _belongs_to(vocabulary: Vocabulary, labels: Sequence[str]) -> dict[str, str]:
    return {
        vocabulary.file_name: vocabulary.digest,
        "labels.txt": hashlib.sha256("\n".join(labels).encode()).hexdigest(),
    }
