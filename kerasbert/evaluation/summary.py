"""The metrics of an evaluation as text, with remarks."""

from typing import Any

from rich.cells import cell_len

from kerasbert.evaluation.intervals import few_groups
from kerasbert.evaluation.slices import CAUTION, remarkable
from kerasbert.listing import join_first

_MOST_NAMED = 10  # labels
_MOST_GAPS = 3


def summary(metrics: dict[str, Any]) -> str:
    """Returns the metrics of an evaluation as lines of text, remarks last."""
    width = max(map(cell_len, [*metrics["per_class"], "label"]))
    left_out = f"  left out {metrics['left_out']}" if metrics["left_out"] else ""
    return "\n".join(
        [
            f"{_overall(metrics)}  rows {metrics['examples']}{left_out}",
            calibration_line(metrics["calibration"]),
            *rejection_line(metrics["rejection"]),
            *([_baseline_line(metrics["baseline"])] if "baseline" in metrics else []),
            f"{'label':<{width}}  {'precision':<18}  {'recall':<18}  {'F1':<18}    rows",
            *(
                f"{label}{' ' * (width - cell_len(label))}  {_of_label(metrics, label)}  {of['support']:>6}"
                for label, of in metrics["per_class"].items()
            ),
            *_slice_lines(metrics["slices"]["slices"]),
            *_robustness_lines(metrics.get("robustness", [])),
            *(
                f"{pair['rows']} of {pair['truth']} taken for {pair['decided']}"
                for pair in metrics["top_confusions"][:3]
            ),
            *remarks(metrics),
        ]
    )


def training_summary(metrics: dict[str, Any], run_metrics: dict[str, Any]) -> str:
    """Returns the summary of a finished training.

    Args:
        metrics: of the evaluation of its validation rows.
        run_metrics: the metrics of the run itself.
    """
    rows = f"rows: {run_metrics['train_rows']:,} to train on, {run_metrics['examples']:,} to validate on, "
    epoch = run_metrics["best_epoch"]  # 0: interrupted in the first
    lines = [
        f"validation: {_overall(metrics)} ({f'epoch {epoch}' if epoch else 'in epoch 1'})",
        f"{rows}{run_metrics['left_out_rows']:,} left out",
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
            f"Macro F1 is over {counted} of {len(of_labels)} labels: the others have no rows here and were "
            "never decided."
        )
    if missed := [label for label, of in of_labels.items() if of["support"] and not of["recall"]]:
        found.append(f"Recall 0, none of their rows was found: {join_first(missed, _MOST_NAMED)}.")
    if "baseline" not in metrics:
        found.append("Not compared with naive Bayes: the training rows are not at hand.")
    elif worse := _not_better_in(metrics):
        both = " and ".join(
            f"{name} {metrics[key]:.4f} against {metrics['baseline'][key]:.4f}" for key, name in worse
        )
        found.append(f"Not better than naive Bayes: {both}.")
    return [*found, *few_groups(metrics["intervals"]["groups"]), *_gaps(metrics["slices"])]


def _gaps(slices: dict[str, Any]) -> list[str]:
    """Returns remarks on the largest gaps that are hardly chance."""
    found = remarkable(slices)
    said = [
        f"Accuracy {of['accuracy']:.4f} on {of['rows']} row(s) of {of['by']} {of['value']!r}, "
        f"{abs(of['gap']) * 100:.1f} points {'higher' if of['gap'] > 0 else 'lower'} than on the others "
        f"({slices['test']}, Holm's correction for {slices['tests']} gaps: p = {of['p_adjusted']:.2g})."
        for of in found[:_MOST_GAPS]
    ]
    return [*said, CAUTION] if said else []


def brief(ends: list[float]) -> str:
    """Returns an interval of shares without leading zeros: [.891 .913]."""
    return f"[{' '.join(f'{end:.3f}'.removeprefix('0') if end < 0.9995 else '1.00' for end in ends)}]"


def calibration_line(calibration: dict[str, Any]) -> str:
    """Returns how well the probabilities are calibrated, and what the temperature changed."""
    before = calibration.get("uncalibrated")

    def figure(key: str) -> str:
        return f"{calibration[key]:.4f}{f' (from {before[key]:.4f})' if before else ''}"

    temperature = f", temperature {calibration['temperature']:.2f}" if before else ""
    return (
        f"ECE {figure('ece')}, by chance {calibration['ece_by_chance']:.4f}  "
        f"Brier {figure('brier')}  NLL {figure('nll')}{temperature}"
    )


def rejection_line(rejection: dict[str, Any]) -> list[str]:
    """Returns what is accepted as one line, or none if nothing is rejected."""
    if "coverage" not in rejection:
        return []
    kinds = (("accepted_accuracy", "of these"), ("rejected_accuracy", "of the others"))
    right = [f"{rejection[key]:.4f} {which}" for key, which in kinds if rejection[key] is not None]
    return [
        f"accepted {rejection['coverage']:.4f}  accuracy {', '.join(right)}  AURC {rejection['aurc']:.4f}"
    ]


def _overall(metrics: dict[str, Any]) -> str:
    names = {"accuracy": "accuracy", "macro_f1": "macro F1", "micro_f1": "micro F1"}
    found = metrics.get("intervals", {})
    return "  ".join(
        f"{name} {metrics[key]:.4f}" + (f" {brief(found[key])}" if key in found else "")
        for key, name in names.items()
    )


def _of_label(metrics: dict[str, Any], label: str) -> str:
    of, found = metrics["per_class"][label], metrics["intervals"]["per_class"][label]
    return "  ".join(f"{of[name]:.4f} {brief(found[name])}" for name in ("precision", "recall", "f1"))


def _robustness_lines(edits: list[dict[str, Any]]) -> list[str]:
    if not edits:
        return []
    width = max(len(of["edit"]) for of in edits)
    return [
        f"{'edit of the texts':<{width}}  {'decisions changed':<19}  accuracy before  after    rows",
        *(
            f"{of['edit']:<{width}}  {of['share']:.4f} {brief(of['interval'])}   {of['accuracy']:>14.4f}  "
            f"{of['accuracy_edited']:.4f}  {of['rows']:>5}"
            for of in edits
        ),
    ]


def _slice_lines(slices: list[dict[str, Any]]) -> list[str]:
    """Returns a table of the slices of columns; of the automatic ones, remarks name the gaps."""
    shown = [of for of in slices if of["column"]]
    if not shown:
        return []
    names = [f"{of['by']}: {of['value']}" for of in shown]
    width = max(map(cell_len, names))
    lines = [f"{'slice':<{width}}  {'accuracy':<18}    rows  {'gap to the others':<26}  p (Holm)"]
    for name, of in zip(names, shown, strict=True):
        gap, p = "too few rows", ""
        if "gap" in of:
            low, high = of["gap_interval"]
            gap, p = f"{of['gap']:+.4f} [{low:+.3f} {high:+.3f}]", f"{of['p_adjusted']:.3f}"
        accuracy = f"{of['accuracy']:.4f} {brief(of['interval'])}"
        lines.append(f"{name}{' ' * (width - cell_len(name))}  {accuracy}  {of['rows']:>6}  {gap:<26}  {p}")
    return lines


def _baseline_line(baseline: dict[str, Any]) -> str:
    return f"{_overall(baseline)}  {baseline['model']}"


def _not_better_in(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns the keys and names of the metrics in which naive Bayes is at least as good."""
    names = {"accuracy": "accuracy", "macro_f1": "macro F1"}
    return [(key, name) for key, name in names.items() if metrics[key] <= metrics["baseline"][key]]
