"""The table of a review: issues.csv to fill in, summary.json and a self-contained index.html."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kerasbert.curation.review import CONFLICT, LABEL_ERROR, OUTLIER, Review
from kerasbert.data.write import write_cells
from kerasbert.evaluation.report import render
from kerasbert.files import make_directory, write_json, write_text
from kerasbert.language import tr
from kerasbert.layout import require_no_run

ISSUES = "issues.csv"
_SHOWN = 200
_MANY = 0.3


def write_review(review: Review, directory: Path, title: str, separator: str) -> Path:
    """Writes a review into `directory` and returns the path of its table.

    Args:
        review: what to show.
        directory: made if need be.
        title: of the page, such as the file.
        separator: of several labels in a cell.
    """
    require_no_run(directory)
    make_directory(directory)
    path = directory / ISSUES
    write_cells(issue_records(review, separator), str(path), mark=True)
    summary = review.summary
    write_json(directory / "summary.json", summary)
    kinds = (LABEL_ERROR, CONFLICT, OUTLIER)
    parts = {kind: [issue for issue in review.issues if issue.kind == kind] for kind in kinds}
    page = render(
        "review.html",
        title=title,
        summary=summary,
        lines=review_lines(summary),
        parts={kind: (len(of), of[:_SHOWN]) for kind, of in parts.items()},
        separator=separator,
        table=ISSUES,
    )
    write_text(directory / "index.html", page)
    return path


def issue_records(review: Review, separator: str) -> Iterator[dict[str, Any]]:
    """Yields a row of the table for each issue; `action` is for the reviewer."""
    pairs = review.rows.pairs is not None
    for issue in review.issues:
        row = issue.row
        yield {
            "action": "",
            "label": separator.join(row.labels),
            "suggested": separator.join(issue.suggested),
            "issue": issue.kind,
            "p_label": _rounded(issue.given_probability),
            "p_suggested": _rounded(issue.suggested_probability),
            "group": issue.group,
            "text": row.text,
            **({"pair": row.pair} if pairs else {}),
            "file": row.file,
            "line": row.line,
        }


def review_lines(summary: dict[str, Any]) -> list[str]:
    """Returns what was found, as lines of text."""
    lines = [
        tr(
            "{label_errors:,} of {checked:,} row(s) probably have a wrong label ({label_error_share:.1%})",
            **summary,
        ),
        tr("models that had not seen a row agree with {agreement:.1%} of the labels", **summary),
        tr(
            "{conflicting_groups:,} group(s) of nearly equal texts have different labels "
            "({conflicting_rows:,} rows)",
            **summary,
        ),
    ]
    if summary["outliers"]:
        lines.append(tr("{outliers:,} row(s) least like the others are listed as outliers", **summary))
    if summary["label_error_share"] > _MANY:
        lines.append(
            tr(
                "so many label errors are more often a sign of weak models than of wrong labels: look at the "
                "first ones, or ask a better model (--config)"
            )
        )
    if unchecked := summary["rows"] - summary["checked"]:
        lines.append(tr("{rows:,} row(s) have no prediction: their labels were not checked", rows=unchecked))
    return lines


def _rounded(probability: float | None) -> float | None:
    return None if probability is None else round(probability, 4)
