"""The plots of the report, as SVG text."""

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from kerasbert.evaluation.evaluate import Evaluation
from kerasbert.language import tr
from kerasbert.tasks.calibration import BINS, scored, without_temperature
from kerasbert.tasks.rejection import accuracy_by_coverage

_BLUE, _ORANGE, _GREY = "#2b6cb0", "#dd6b20", "#a0aec0"
_STYLE: Any = {
    "svg.fonttype": "none",  # text stays text: the reader's browser has Chinese fonts, matplotlib none
    "svg.hashsalt": "kerasbert",
    "font.family": "sans-serif",
    "text.parse_math": False,  # a label may hold a $
}


@matplotlib.rc_context(_STYLE)
def per_class(metrics: Mapping[str, Mapping[str, float]]) -> str:
    """Precision, recall and F1 of each label."""
    labels = list(metrics)
    figure = Figure(figsize=(6, 1.2 + 0.45 * len(labels)))
    axes = figure.add_subplot()
    places = np.arange(len(labels))
    for shift, (name, color) in enumerate((("precision", _BLUE), ("recall", _ORANGE), ("F1", _GREY))):
        values = [metrics[label][name.lower()] for label in labels]
        axes.barh(places + 0.25 * (shift - 1), values, 0.23, label=tr(name), color=color)
    axes.set_yticks(places, labels)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), title=tr("By label"))
    return _svg(figure)


@matplotlib.rc_context(_STYLE)
def reliability(evaluation: Evaluation) -> str:
    """How often a probability comes true, with and without the temperature (Guo et al. 2017, figure 1)."""
    calibration, several = evaluation.metrics["calibration"], evaluation.several
    truth = evaluation.decided, evaluation.targets, several
    score, right = scored(evaluation.probabilities, *truth)
    share, counts = _by_bin(score, right)
    figure = Figure(figsize=(6, 3.4))
    axes = figure.add_subplot()
    middles = (np.arange(BINS) + 0.5) / BINS
    axes.bar(middles, share, 0.9 / BINS, color=_BLUE, label=tr("share that comes true"))
    axes.bar(middles, counts / counts.sum(), 0.4 / BINS, color=_ORANGE, label=tr("share of all"))
    temperature = calibration["temperature"]
    if temperature != 1:
        before = without_temperature(evaluation.probabilities, temperature, several)
        share, counts = _by_bin(*scored(before, *truth))
        label = tr("without temperature")
        axes.plot(middles[counts > 0], share[counts > 0], color=_GREY, marker="o", markersize=3, label=label)
    axes.plot([0, 1], [0, 1], color=_GREY, linestyle="--", label=tr("perfectly calibrated"))
    which = "probability of each label" if several else "probability of the decided label"
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel=tr(which), title=tr("Calibration"))
    return _svg(figure)


@matplotlib.rc_context(_STYLE)
def coverage(evaluation: Evaluation, sure: np.ndarray) -> str:
    """The accuracy of the answers that are accepted, by their share."""
    right = np.all(evaluation.decided == evaluation.targets, axis=1)
    accuracy, rejection = accuracy_by_coverage(sure, right), evaluation.metrics["rejection"]
    figure = Figure(figsize=(6, 3.2))
    axes = figure.add_subplot()
    share = np.arange(1, len(sure) + 1) / len(sure)
    axes.plot(share, accuracy, color=_BLUE, label=tr("accuracy of the most confident rows"))
    if rejection.get("accepted_accuracy") is not None:
        place = rejection["coverage"], rejection["accepted_accuracy"]
        axes.plot(*place, color=_ORANGE, marker="o", linestyle="", label=tr("accepted by this model"))
    axes.set(xlim=(0, 1.01), xlabel=tr("share of the rows"), title=tr("Accuracy and coverage"))
    return _svg(figure)


def _by_bin(score: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the share that comes true, and the number, of the probabilities in each bin."""
    bins = np.minimum((score * BINS).astype(int), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    return np.bincount(bins, weights=right, minlength=BINS) / np.maximum(counts, 1), counts


@matplotlib.rc_context(_STYLE)
def training_curves(history: list[dict[str, Any]]) -> str:
    """Loss and validation accuracy of each epoch."""
    epochs = [record["epoch"] for record in history]
    figure = Figure(figsize=(6, 3.2))
    axes = figure.add_subplot()
    for key, label, color in (
        ("loss", "training loss", _GREY),
        ("val_loss", "validation loss", _ORANGE),
        ("val_accuracy", "validation accuracy", _BLUE),
    ):
        values = [record[key] for record in history]
        axes.plot(epochs, values, color=color, label=tr(label), marker="o", markersize=3)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel=tr("epoch"), title=tr("Training"), ylim=(0, None))
    return _svg(figure)


@matplotlib.rc_context(_STYLE)
def differences(metrics: Mapping[str, Mapping[str, Any]], margin: float) -> str:
    """The difference of two models in each metric, `value` and `interval`, over the margin of equivalence."""
    figure = Figure(figsize=(6, 0.9 + 0.45 * len(metrics)))
    axes = figure.add_subplot()
    axes.axvspan(-100 * margin, 100 * margin, color=_GREY, alpha=0.25, linewidth=0, label=tr("margin"))
    axes.axvline(0, color=_GREY)
    for place, of in enumerate(metrics.values()):
        low, high = of["interval"]
        axes.plot([100 * low, 100 * high], [place, place], color=_BLUE, linewidth=2)
        axes.plot([100 * of["value"]], [place], "o", color=_BLUE, label=None if place else tr("B - A, 95 %"))
    axes.set_yticks(range(len(metrics)), list(metrics))
    axes.set_ylim(len(metrics) - 0.5, -0.5)
    axes.set(xlabel=tr("points, to the right B is better"), title=tr("Difference"))
    return _svg(figure)


@matplotlib.rc_context(_STYLE)
def models(accuracies: Mapping[str, Sequence[float]]) -> str:
    """The accuracy of each model of A and of B, and their means."""
    figure = Figure(figsize=(6, 1.4))
    axes = figure.add_subplot()
    for place, (values, color) in enumerate(zip(accuracies.values(), (_ORANGE, _BLUE), strict=True)):
        shown = None if place else tr("one model"), None if place else tr("mean")
        axes.plot(values, [place] * len(values), "o", color=color, alpha=0.6, label=shown[0])
        axes.plot([np.mean(values)], [place], "|", color="black", markersize=14, label=shown[1])
    axes.set_yticks(range(len(accuracies)), list(accuracies))
    axes.set_ylim(len(accuracies) - 0.5, -0.5)
    axes.set(title=tr("Accuracy of each model"))
    return _svg(figure)


@matplotlib.rc_context(_STYLE)
def flips(by_label: Mapping[str, Mapping[str, float]]) -> str:
    """The rows of each label that only one of two models got right."""
    figure = Figure(figsize=(6, 1.2 + 0.3 * len(by_label)))
    axes = figure.add_subplot()
    places = np.arange(len(by_label))
    axes.barh(
        places, [-of["only_a"] for of in by_label.values()], 0.7, color=_ORANGE, label=tr("only A right")
    )
    axes.barh(places, [of["only_b"] for of in by_label.values()], 0.7, color=_BLUE, label=tr("only B right"))
    axes.axvline(0, color=_GREY)
    axes.set_yticks(places, list(by_label))
    axes.invert_yaxis()
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.xaxis.set_major_formatter(lambda value, _: f"{abs(value):.0f}")
    axes.set(xlabel=tr("rows"), title=tr("Flips by label"))
    return _svg(figure)


def _svg(figure: Figure) -> str:
    figure.axes[0].legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    buffer = io.StringIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
    document = buffer.getvalue()
    return document[document.index("<svg") :]
