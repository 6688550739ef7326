"""How much better a run would be with more labels."""

import json
import os

from kerasbert.checkpoints import RunDirectory
from kerasbert.curation.learning_curve import ExpectedGain, expected_gain, learning_curve
from kerasbert.curation.select import known_rows
from kerasbert.data import Columns
from kerasbert.data.load import why_unusable
from kerasbert.errors import UserError
from kerasbert.language import tr
from kerasbert.predictors import Model


def expected_gain_of(model: Model, more: int) -> ExpectedGain:
    """Returns what `more` labels would bring to a model; see `expected_gain`.

    Raises:
        UserError: why that cannot be said.
    """
    run = RunDirectory(model.source)
    if not run.metrics.is_file():
        raise UserError(tr("only a run directory tells how often its model is right"))
    try:
        metrics = json.loads(run.metrics.read_text(encoding="utf-8"))
        accuracy, tried, trained = (metrics[name] for name in ("accuracy", "examples", "train_rows"))
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{run.metrics} is damaged ({error!r})") from error
    if not any(map(os.path.isfile, model.data.train)):
        raise UserError(tr("the training files of the run are not here"))
    columns = Columns.from_config(model.data, model.label_separator)
    curve = learning_curve(row for row in known_rows(model) if why_unusable(row, columns) is None)
    return expected_gain(curve, accuracy, tried, trained, more)


def gain_line(model: Model, more: int) -> str:
    """Returns what `more` labels would bring, or why that is unknown, in one line."""
    try:
        found = expected_gain_of(model, more)
    except UserError as error:
        return tr("what {more:,} more labels bring cannot be said: {reason}", more=more, reason=error)
    return tr(
        "{more:,} more labels would bring {gain:+.1f} points of accuracy (95 % interval {low:.1f} to "
        "{high:.1f}), if they were of random texts and the model were trained anew on all {total:,} rows: "
        "estimated by the learning curve of naive Bayes",
        more=more,
        gain=100 * found.gain,
        low=100 * found.low,
        high=100 * found.high,
        total=found.rows + found.more,
    )
