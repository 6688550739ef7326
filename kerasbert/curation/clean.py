"""Reviews labelled files: reads the rows, and what models that had not seen them say about them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kerasbert.config import Config, parse_config
from kerasbert.curation.out_of_fold import naive_bayes, out_of_fold
from kerasbert.curation.outliers import LEAST_ROWS, outlier_distances
from kerasbert.curation.review import Review
from kerasbert.data import Columns, Rows, labels_of, load_rows
from kerasbert.data.load import require_known_labels
from kerasbert.data.read_options import ReadOptions
from kerasbert.data.source import require_files
from kerasbert.errors import UserError
from kerasbert.tasks import get_task

_OUTLIERS = 0.01  # share of the rows that is listed
_DEFAULT_ENCODER = "kerasbert-tiny-zh"


@dataclass(frozen=True)
class LabelledFiles:
    """Files of labelled rows, and how they are read.

    Attributes:
        files: their paths.
        columns: how to read them.
        labels: those that the task or the configuration names; empty: those found.
        config: of a training on these files.
    """

    files: tuple[str, ...]
    columns: Columns
    labels: tuple[str, ...]
    config: Config

    @classmethod
    def of(cls, files: Sequence[str], config: Config, reading: ReadOptions) -> "LabelledFiles":
        """Returns `files`, or those that `config` trains on, with the columns that `reading` overrides.

        Raises:
            UserError: there are none, or one cannot be read.
        """
        files = tuple(files) or tuple(config.data.train)
        if not files:
            raise UserError("Name the files of labelled rows, or a --config that names data.train.")
        require_files(files)
        task = get_task(config.task)
        data = reading.data_config(config.data, files)
        data.validation = []  # cross-validation needs none
        columns = reading.columns(config.data, task.label_separator)
        labels = tuple(task.fixed_labels or config.data.labels)
        of_files = parse_config(Config, {**config.model_dump(), "data": data.model_dump()})
        return cls(files, columns, labels, of_files)

    def review(self, predictions: Sequence[str], folds: int = 5) -> Review:
        """Reads the rows, and what models that had not seen them said or say about them.

        Memory: about 1 kB a row of a short text, and 8 bytes a row and label; naive Bayes takes more.

        Args:
            predictions: see `out_of_fold`. Empty: naive Bayes is asked.
            folds: of naive Bayes.

        Raises:
            UserError: a file cannot be read, or they do not fit together.
        """
        rows = load_rows(self.files, self.columns)
        labels = labels_of(rows, self.labels)
        require_known_labels(rows, labels)
        if predictions:
            probabilities = out_of_fold(predictions, rows, self.columns, labels)
        else:
            probabilities = naive_bayes(rows, folds, labels)
        several = self.columns.label_separator is not None
        return Review(rows, labels, probabilities, several, self._outliers(rows))

    def _outliers(self, rows: Rows) -> list[int]:
        """Returns the indices of the hundredth of the rows that is farthest, none where rows are too few."""
        if len(rows) < LEAST_ROWS:
            return []
        source = self.config.backbone.source
        distances = outlier_distances(rows.rows, _DEFAULT_ENCODER if source == "scratch" else source)
        return np.argsort(-distances, kind="stable")[: round(_OUTLIERS * len(rows))].tolist()
