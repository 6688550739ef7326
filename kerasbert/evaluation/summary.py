"""The metrics of an evaluation as text, with remarks."""

import re
from typing import Any

from kerasbert.evaluation.fairness import CAVEAT
from kerasbert.evaluation.intervals import few_groups
from kerasbert.evaluation.slices import CAUTION, EMPTY, OTHERS, remarkable
from kerasbert.evaluation.text_table import text_table
from kerasbert.language import listed, tr

METRICS = {"accuracy": "accuracy", "macro_f1": "macro F1", "micro_f1": "micro F1"}
_MOST_NAMED = 10  # labels
_MOST_GAPS = 3


def summary(metrics: dict[str, Any]) -> str:
    """Returns the metrics of an evaluation as lines of text, remarks last."""
    rows = tr("rows {rows}", rows=metrics["examples"])
    left_out = tr("  left out {rows}", rows=metrics["left_out"]) if metrics["left_out"] else ""
    return "\n".join(
        [
            f"{_overall(metrics)}  {rows}{left_out}",
            *_hierarchy_lines(metrics.get("hierarchy")),
            calibration_line(metrics["calibration"]),
            *rejection_line(metrics["rejection"]),
            *_length_lines(metrics.get("lengths")),
            *([_baseline_line(metrics["baseline"])] if "baseline" in metrics else []),
            *_label_lines(metrics),
            *_slice_lines(metrics["slices"]["slices"]),
            *fairness_lines(metrics),
            *_robustness_lines(metrics.get("robustness", [])),
            *(tr("{rows} of {truth} taken for {decided}", **pair) for pair in metrics["top_confusions"][:3]),
            *remarks(metrics),
        ]
    )


def training_summary(metrics: dict[str, Any], run_metrics: dict[str, Any]) -> str:
    """Returns the summary of a finished training.

    Args:
        metrics: of the evaluation of its validation rows.
        run_metrics: the metrics of the run itself.
    """
    epoch = run_metrics["best_epoch"]  # 0: interrupted in the first
    when = tr("epoch {epoch}", epoch=epoch) if epoch else tr("in epoch 1")
    lines = [
        tr("validation: {metrics} ({when})", metrics=_overall(metrics), when=when),
        tr(
            "rows: {train:,} to train on, {validation:,} to validate on, {left_out:,} left out",
            train=run_metrics["train_rows"],
            validation=run_metrics["examples"],
            left_out=run_metrics["left_out_rows"],
        ),
        *_hierarchy_lines(metrics.get("hierarchy")),
        calibration_line(metrics["calibration"]),
        *rejection_line(metrics["rejection"]),
        *([_baseline_line(metrics["baseline"])] if "baseline" in metrics else []),
        *remarks(metrics),
    ]
    return "\n".join(lines)


def remarks(metrics: dict[str, Any]) -> list[str]:
    """Returns remarks on the metrics, one sentence each."""
    of_labels, counted = metrics["per_class"], metrics["macro_f1_labels"]
    found = []
    if counted < len(of_labels):
        found.append(
            tr(
                "Macro F1 is over {counted} of {labels} labels: the others have no rows here and were never "
                "decided.",
                counted=counted,
                labels=len(of_labels),
            )
        )
    if missed := [label for label, of in of_labels.items() if of["support"] and not of["recall"]]:
        names = listed(missed, _MOST_NAMED)
        found.append(tr("Recall 0, none of their rows was found: {labels}.", labels=names))
    if "baseline" not in metrics:
        found.append(tr("Not compared with naive Bayes: the training rows are missing or cannot be used."))
    elif worse := _not_better_in(metrics):
        found.append(tr("Not better than naive Bayes: {metrics}.", metrics=tr(" and ").join(worse)))
    return [*found, *few_groups(metrics["intervals"]["groups"]), *_gaps(metrics["slices"])] + (
        _unfair(metrics["fairness"]) if "fairness" in metrics else []
    )


def _gaps(slices: dict[str, Any]) -> list[str]:
    """Returns remarks on the largest gaps that are hardly chance."""
    said = [
        tr(
            "Accuracy {accuracy:.4f} on {rows} row(s) of {by} {value!r}, {points:.1f} points {direction} "
            "than on the others ({test}, Holm's correction for {tests} gaps: p = {p:.2g}).",
            accuracy=of["accuracy"],
            **_gap(of, slices),
        )
        for of in remarkable(slices["slices"])[:_MOST_GAPS]
    ]
    return [*said, tr(CAUTION)] if said else []


def _unfair(fairness: dict[str, Any]) -> list[str]:
    """Returns remarks on the largest gaps of recall and precision that are hardly chance."""
    said = [
        tr(
            "{metric} of {label} {share:.4f} on {rows} row(s) of {by} {value!r}, {points:.1f} points "
            "{direction} than on the others ({test}, Holm's correction for {tests} gaps: p = {p:.2g}).",
            metric=tr(of["metric"]).capitalize(),
            label=of["label"],
            share=of["share"],
            **_gap(of, fairness),
        )
        for of in remarkable(fairness["gaps"])[:_MOST_GAPS]
    ]
    return [*said, tr(CAVEAT)] if said else []


def _gap(of: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    by, value = slice_name(of)
    return {
        "rows": of["rows"],
        "by": by,
        "value": value,
        "points": abs(of["gap"]) * 100,
        "direction": tr("higher") if of["gap"] > 0 else tr("lower"),
        "test": tr(found["test"]),
        "tests": found["tests"],
        "p": of["p_adjusted"],
    }


def fairness_lines(metrics: dict[str, Any]) -> list[str]:
    """Returns the largest difference between two slices of each column in recall and in precision."""
    lines: dict[tuple[str, str], str] = {}
    for of in metrics.get("fairness", {"differences": []})["differences"]:
        ends = [slice_name({**of, "value": of[end], "column": True})[1] for end in ("lowest", "highest")]
        line = tr(
            "{metric} differs most for {label}: by {points:.1f} points between {by} {lowest!r} and "
            "{highest!r}",
            metric=tr(of["metric"]),
            label=of["label"],
            points=of["difference"] * 100,
            by=of["by"],
            lowest=ends[0],
            highest=ends[1],
        )
        lines.setdefault((of["by"], of["metric"]), line)
    return list(lines.values())


def slice_name(of: dict[str, Any]) -> tuple[str, str]:
    """Returns what divides the rows, and the name of the slice; cells of columns are not translated."""
    by, value = of["by"], of["value"]
    if of["column"]:
        return by, tr(value) if value in (EMPTY, OTHERS) else value
    numbers = re.findall(r"\d+", value)
    return tr(by), tr(re.sub(r"\d+", "{}", value)).format(*numbers)


def brief(ends: list[float]) -> str:
    """Returns an interval of shares without leading zeros: [.891 .913]."""
    return f"[{' '.join(f'{end:.3f}'.removeprefix('0') if end < 0.9995 else '1.00' for end in ends)}]"


def calibration_line(calibration: dict[str, Any]) -> str:
    """Returns how well the probabilities are calibrated, and what the temperature changed."""
    before = calibration.get("uncalibrated")

    def figure(key: str) -> str:
        value = calibration[key]
        if not before:
            return f"{value:.4f}"
        return tr("{value:.4f} (from {before:.4f})", value=value, before=before[key])

    line = tr(
        "ECE {ece}, by chance {chance:.4f}  Brier {brier}  NLL {nll}",
        chance=calibration["ece_by_chance"],
        **{key: figure(key) for key in ("ece", "brier", "nll")},
    )
    return line + (tr(", temperature {value:.2f}", value=calibration["temperature"]) if before else "")


def rejection_line(rejection: dict[str, Any]) -> list[str]:
    """Returns what is accepted as one line, or none if nothing is rejected."""
    if "coverage" not in rejection:
        return []
    shares = {
        "{share:.4f} of these": rejection["accepted_accuracy"],
        "{share:.4f} of the others": rejection["rejected_accuracy"],
    }
    right = tr(", ").join(tr(which, share=share) for which, share in shares.items() if share is not None)
    line = "accepted {coverage:.4f}  accuracy {right}  AURC {aurc:.4f}"
    return [tr(line, coverage=rejection["coverage"], right=right, aurc=rejection["aurc"])]


def _hierarchy_lines(hierarchy: dict[str, Any] | None) -> list[str]:
    if not hierarchy:
        return []
    line = "level {number}, {labels} labels: accuracy {accuracy:.4f}  macro F1 {macro_f1:.4f}"
    levels = (tr(line, number=number, **of) for number, of in enumerate(hierarchy["levels"], 1))
    return [
        *levels,
        tr("hierarchical F1 {f1:.4f}, of the labels with all that is above them", f1=hierarchy["f1"]),
    ]


def _length_lines(lengths: dict[str, Any] | None) -> list[str]:
    if not lengths or not lengths["longer"]:
        return []
    line = "rows longer than max_length {max_length}: {longer:.1%}, which are cut"
    if lengths["windows"] > 1:
        line = (
            "rows longer than max_length {max_length}: {longer:.1%}, read in up to {windows} windows; longer "
            "still and cut: {cut:.1%}"
        )
    return [tr(line, **lengths)]


def _overall(metrics: dict[str, Any]) -> str:
    found = metrics.get("intervals", {})
    return "  ".join(
        f"{tr(name)} {metrics[key]:.4f}" + (f" {brief(found[key])}" if key in found else "")
        for key, name in METRICS.items()
    )


def _label_lines(metrics: dict[str, Any]) -> list[str]:
    found = metrics["intervals"]["per_class"]
    rows = [[tr("label"), tr("precision"), tr("recall"), "F1", tr("rows")]]
    for label, of in metrics["per_class"].items():
        cells = (f"{of[name]:.4f} {brief(found[label][name])}" for name in ("precision", "recall", "f1"))
        rows.append([label, *cells, str(of["support"])])
    return text_table(rows, "<<<<>")


def _robustness_lines(edits: list[dict[str, Any]]) -> list[str]:
    if not edits:
        return []
    names = ("edit of the texts", "decisions changed", "accuracy before", "after", "rows")
    rows = [[tr(name) for name in names]]
    for of in edits:
        changed = f"{of['share']:.4f} {brief(of['interval'])}"
        accuracies = [f"{of[key]:.4f}" for key in ("accuracy", "accuracy_edited")]
        rows.append([tr(of["edit"]), changed, *accuracies, str(of["rows"])])
    return text_table(rows, "<<>>>")


def _slice_lines(slices: list[dict[str, Any]]) -> list[str]:
    """Returns a table of the slices of columns; of the automatic ones, remarks name the gaps."""
    shown = [of for of in slices if of["column"]]
    if not shown:
        return []
    rows = [[tr("slice"), tr("accuracy"), tr("rows"), tr("gap to the others"), "p (Holm)"]]
    for of in shown:
        gap, p = tr("too few rows"), ""
        if "gap" in of:
            low, high = of["gap_interval"]
            gap, p = f"{of['gap']:+.4f} [{low:+.3f} {high:+.3f}]", f"{of['p_adjusted']:.3f}"
        accuracy = f"{of['accuracy']:.4f} {brief(of['interval'])}"
        by, value = slice_name(of)
        rows.append([tr("{by}: {value}", by=by, value=value), accuracy, str(of["rows"]), gap, p])
    return text_table(rows, "<<><<")


def _baseline_line(baseline: dict[str, Any]) -> str:
    return f"{_overall(baseline)}  {tr(baseline['model'])}"


def _not_better_in(metrics: dict[str, Any]) -> list[str]:
    """Returns the metrics in which naive Bayes is at least as good."""
    return [
        tr(
            "{name} {value:.4f} against {baseline:.4f}",
            name=tr(METRICS[key]),
            value=metrics[key],
            baseline=metrics["baseline"][key],
        )
        for key in ("accuracy", "macro_f1")
        if metrics[key] <= metrics["baseline"][key]
    ]
