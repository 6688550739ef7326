"""Evaluations of answers that the test chooses."""

from collections.abc import Sequence

import pytest

from kerasbert.data import Row, Rows
from kerasbert.evaluation import Evaluation, evaluate_rows


@pytest.fixture(scope="session")
def evaluate_chosen(chosen_model):
    """Evaluates rows given as (true labels, probabilities, text); all else is made up."""

    def make(labels: Sequence[str], rows: Sequence[tuple], threshold: float | None = None) -> Evaluation:
        cells = [(*row, f"text {number}")[:3] for number, row in enumerate(rows)]
        model = chosen_model(labels, {text: given for _, given, text in cells}, threshold=threshold)
        data = [Row(text, truth, None, "made.jsonl", line) for line, (truth, _, text) in enumerate(cells, 1)]
        return evaluate_rows(model, Rows(data))

    return make
