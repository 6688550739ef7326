"""The metrics of an evaluation as text, with remarks."""

from typing import Any

from rich.cells import cell_len

from kerasbert.listing import join_first

_MOST_NAMED = 10  # labels


def summary(metrics: dict[str, Any]) -> str:
    """Returns the metrics of an evaluation as lines of text, remarks last."""
    width = max(map(cell_len, [*metrics["per_class"], "label"]))
    left_out = f"  left out {metrics['left_out']}" if metrics["left_out"] else ""
    return "\n".join(
        [
            f"{_overall(metrics)}  rows {metrics['examples']}{left_out}",
            *([_baseline_line(metrics["baseline"])] if "baseline" in metrics else []),
            f"{'label':<{width}}  precision  recall      F1    rows",
            *(
                f"{label}{' ' * (width - cell_len(label))}  {of['precision']:>9.4f}  {of['recall']:.4f}  "
                f"{of['f1']:.4f}  {of['support']:>6}"
                for label, of in metrics["per_class"].items()
            ),
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
    return found


def _overall(metrics: dict[str, Any]) -> str:
    return (
        f"accuracy {metrics['accuracy']:.4f}  macro F1 {metrics['macro_f1']:.4f}  "
        f"micro F1 {metrics['micro_f1']:.4f}"
    )


def _baseline_line(baseline: dict[str, Any]) -> str:
    return f"{_overall(baseline)}  {baseline['model']}"


def _not_better_in(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns the keys and names of the metrics in which naive Bayes is at least as good."""
    names = {"accuracy": "accuracy", "macro_f1": "macro F1"}
    return [(key, name) for key, name in names.items() if metrics[key] <= metrics["baseline"][key]]
