"""The figures of an evaluation as lines of text, and what they mean in plain words."""

from typing import Any

from rich.cells import cell_len

from kerasbert.listing import join_first

_MOST_NAMED = 10  # labels


def summary(figures: dict[str, Any]) -> str:
    """Returns the figures of an evaluation as lines of text, the remarks last."""
    width = max(map(cell_len, [*figures["per_class"], "label"]))
    left_out = f"  left out {figures['left_out']}" if figures["left_out"] else ""
    return "\n".join(
        [
            f"{_overall(figures)}  rows {figures['examples']}{left_out}",
            *([_baseline_line(figures["baseline"])] if "baseline" in figures else []),
            f"{'label':<{width}}  precision  recall      F1    rows",
            *(
                f"{label}{' ' * (width - cell_len(label))}  {of['precision']:>9.4f}  {of['recall']:.4f}  "
                f"{of['f1']:.4f}  {of['support']:>6}"
                for label, of in figures["per_class"].items()
            ),
            *(
                f"{pair['rows']} of {pair['truth']} taken for {pair['decided']}"
                for pair in figures["top_confusions"][:3]
            ),
            *remarks(figures),
        ]
    )


def training_summary(figures: dict[str, Any], metrics: dict[str, Any]) -> str:
    """Returns what a training ends with.

    Args:
        figures: of the evaluation of its validation rows.
        metrics: of the run.
    """
    rows = f"rows: {metrics['train_rows']:,} to train on, {metrics['examples']:,} to validate on, "
    lines = [
        f"validation: {_overall(figures)} (epoch {metrics['best_epoch']})",
        f"{rows}{metrics['left_out_rows']:,} left out",
        *([_baseline_line(figures["baseline"])] if "baseline" in figures else []),
        *remarks(figures),
    ]
    return "\n".join(lines)


def remarks(figures: dict[str, Any]) -> list[str]:
    """Returns, a sentence each, what one may miss in the figures."""
    of_labels, counted = figures["per_class"], figures["macro_f1_labels"]
    found = []
    if counted < len(of_labels):
        found.append(
            f"Macro F1 is over {counted} of {len(of_labels)} labels: the others have no rows here and were "
            "never decided."
        )
    if missed := [label for label, of in of_labels.items() if of["support"] and not of["recall"]]:
        found.append(f"Recall 0, none of their rows was found: {join_first(missed, _MOST_NAMED)}.")
    if "baseline" not in figures:
        found.append("Not compared with naive Bayes: the training rows are not at hand.")
    elif worse := _not_better_in(figures):
        both = " and ".join(
            f"{name} {figures[key]:.4f} against {figures['baseline'][key]:.4f}" for key, name in worse
        )
        found.append(f"Not better than naive Bayes: {both}.")
    return found


def _overall(figures: dict[str, Any]) -> str:
    return (
        f"accuracy {figures['accuracy']:.4f}  macro F1 {figures['macro_f1']:.4f}  "
        f"micro F1 {figures['micro_f1']:.4f}"
    )


def _baseline_line(baseline: dict[str, Any]) -> str:
    return f"{_overall(baseline)}  {baseline['model']}"


def _not_better_in(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns the keys and names of the figures in which naive Bayes is at least as good."""
    names = {"accuracy": "accuracy", "macro_f1": "macro F1"}
    return [(key, name) for key, name in names.items() if figures[key] <= figures["baseline"][key]]
