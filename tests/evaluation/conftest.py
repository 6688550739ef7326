"""A model whose answers the test chooses, and one export of the shared run."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from kerasbert.config import DataConfig
from kerasbert.data import Row, Rows
from kerasbert.evaluation import Evaluation, evaluate_rows


class ChosenModel:
    batch_size = 64

    def __init__(
        self,
        labels: Sequence[str],
        answers: Mapping[str, Sequence[float]],
        threshold: float | None = None,
    ):
        self.labels, self.data, self.label_separator = tuple(labels), DataConfig(), None
        self.batches: list[tuple[list[str], list[str] | None]] = []
        self._answers, self._threshold = answers, threshold

    def predict_batch(self, texts, pairs=None):
        self.batches.append((list(texts), None if pairs is None else list(pairs)))
        probabilities = np.array([self._answers[text] for text in texts], np.float32)
        label_id = probabilities.argmax(1)
        outputs = {
            "label": np.array([self.labels[i].encode() for i in label_id], object),
            "label_id": label_id,
            "score": probabilities.max(1),
            "probabilities": probabilities,
        }
        if self._threshold is not None:
            outputs["given"] = (probabilities >= self._threshold).astype(np.int32)
        return outputs


@pytest.fixture(scope="session")
def chosen_model() -> type[ChosenModel]:
    return ChosenModel


@pytest.fixture(scope="session")
def evaluate_chosen():
    """Evaluates rows given as (true labels, probabilities, text); all else is made up."""

    def make(labels: Sequence[str], rows: Sequence[tuple], threshold: float | None = None) -> Evaluation:
        cells = [(*row, f"text {number}")[:3] for number, row in enumerate(rows)]
        model = ChosenModel(labels, {text: given for _, given, text in cells}, threshold=threshold)
        data = [Row(text, truth, None, "made.jsonl", line) for line, (truth, _, text) in enumerate(cells, 1)]
        return evaluate_rows(model, Rows(data))

    return make
