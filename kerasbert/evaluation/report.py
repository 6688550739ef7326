"""The report of an evaluation: metrics.json, mistakes.jsonl and a self-contained index.html."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import numpy as np
from rich.console import Console

from kerasbert import progress
from kerasbert.evaluation import plots
from kerasbert.evaluation.evaluate import Evaluation, evaluate_outputs
from kerasbert.evaluation.fairness import CAVEAT
from kerasbert.evaluation.slices import CAUTION
from kerasbert.evaluation.summary import (
    brief,
    fairness_lines,
    rejection_line,
    remarks,
    slice_name,
    training_summary,
)
from kerasbert.files import make_directory, write_json, write_json_lines, write_text
from kerasbert.language import language, tr
from kerasbert.layout import require_no_run

if TYPE_CHECKING:
    from kerasbert.training import TrainResult

_WORST = 50
_MOST_GAPS = 20


def write_report(
    evaluation: Evaluation, directory: Path, title: str, history: list[dict[str, Any]] | None = None
) -> Path:
    """Writes the report into `directory` and returns the path of its HTML page.

    Args:
        evaluation: what to show.
        directory: made if need be.
        title: of the page, such as the model and the data it was measured on.
        history: the epochs of the training, for its curves.
    """
    require_no_run(directory)
    make_directory(directory)
    metrics = evaluation.metrics
    mistakes = worst_mistakes(evaluation)
    write_json(directory / "metrics.json", metrics)
    write_json_lines(directory / "mistakes.jsonl", mistakes)
    with progress.phase("drawing the report"):
        drawn = _draw(evaluation, history)
    page = render(
        "report.html",
        title=title,
        metrics=metrics,
        remarks=remarks(metrics),
        brief=brief,
        caution=tr(CAUTION),
        slice_name=slice_name,
        fairness_lines=fairness_lines(metrics),
        fairness_gaps=_clearest(metrics),
        caveat=tr(CAVEAT),
        calibration=metrics["calibration"],
        rejection=rejection_line(metrics["rejection"]),
        labels=evaluation.labels,
        matrix=_shaded(metrics["confusion"]),
        plots=drawn,
        mistakes=mistakes[:_WORST],
        mistake_count=len(mistakes),
    )
    path = directory / "index.html"
    write_text(path, page)
    return path


def report_training(result: "TrainResult") -> tuple[Path, dict[str, Any]]:
    """Writes `report/` of a finished training, on its validation rows.

    Returns:
        The page, and the metrics of the evaluation.
    """
    prepared = result.prepared
    evaluation = evaluate_outputs(
        prepared.task.labels,
        prepared.validation,
        result.outputs,
        prepared.train,
        temperature=prepared.config.decision.temperature,
    )
    history = result.run.history  # none where the first epoch was interrupted
    lines = history.read_text(encoding="utf-8").splitlines() if history.is_file() else []
    title = tr("{run}: {task} on its validation rows", run=result.run.path.name, task=prepared.config.task)
    page = write_report(evaluation, result.run.report, title, [json.loads(line) for line in lines])
    return page, evaluation.metrics


def show_result(result: "TrainResult", console: Console) -> None:
    """Writes `report/` of a finished training, and shows its metrics and paths."""
    page, metrics = report_training(result)
    lines = [
        training_summary(metrics, result.metrics),
        tr("run: {path}", path=result.run.path),
        tr("report: {path}", path=page),
    ]
    progress.print_plain(console, "\n".join(lines))


def render(template: str, **values: Any) -> str:
    """Returns a page made of one of the templates."""
    loader = jinja2.PackageLoader("kerasbert.evaluation", "templates")
    environment = jinja2.Environment(loader=loader, autoescape=True)
    return environment.get_template(template).render(tr=tr, language=language(), **values)


def _draw(evaluation: Evaluation, history: list[dict[str, Any]] | None) -> list[str]:
    """Returns the plots as SVG."""
    drawn = [plots.per_class(evaluation.metrics["per_class"]), plots.reliability(evaluation)]
    if evaluation.confidence is not None:
        drawn.append(plots.coverage(evaluation, evaluation.confidence))
    return [*drawn, plots.training_curves(history)] if history else drawn


def worst_mistakes(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Returns the rows that were decided wrongly, the most confident ones first."""
    wrong = np.flatnonzero(np.any(evaluation.decided != evaluation.targets, axis=1))
    names = np.array(evaluation.labels)
    # The largest error of a probability.
    confidence = np.abs(evaluation.probabilities - evaluation.targets).max(axis=1)
    ordered = sorted(wrong.tolist(), key=lambda i: -confidence[i])
    return [
        {
            "file": evaluation.rows.rows[i].file,
            "line": evaluation.rows.rows[i].line,
            "truth": " | ".join(names[evaluation.targets[i] > 0]),
            "decided": " | ".join(names[evaluation.decided[i] > 0]),
            "confidence": round(float(confidence[i]), 4),
            "text": evaluation.rows.rows[i].text,
            **({"pair": evaluation.rows.rows[i].pair} if evaluation.rows.pairs else {}),
        }
        for i in ordered
    ]


def _clearest(metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the gaps of recall and precision that are least likely chance."""
    gaps = [of for of in metrics.get("fairness", {"gaps": []})["gaps"] if "p" in of]
    return sorted(gaps, key=lambda of: (of["p_adjusted"], of["p"]))[:_MOST_GAPS]


def _shaded(confusion: list[list[int]] | None) -> list[list[tuple[int, float]]] | None:
    """Returns each count with its share of its row, which shades the cell."""
    if confusion is None:
        return None
    return [[(count, count / max(sum(row), 1)) for count in row] for row in confusion]
