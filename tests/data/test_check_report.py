import io
from collections import Counter

from rich.console import Console

from kerasbert.data import CheckReport, print_report
from kerasbert.data.check import MAX_LENGTHS, PERCENTILES, FileReport


def printed(report: CheckReport) -> str:
    file = io.StringIO()
    print_report(report, Console(file=file, width=120))
    return file.getvalue()


def file_report(**values) -> FileReport:
    defaults = {
        "path": "data/[bold]训练[/].tsv",
        "rows": 12345,
        "left_out": Counter({"empty text": 7}),
        "label_counts": {"[red]": 9259, "好评": 3086},
        "token_percentiles": dict(zip(PERCENTILES, (41, 92, 113, 240, 1777), strict=True)),
        "truncated": dict(zip(MAX_LENGTHS, (0.5, 0.25, 0.125, 0.01, 0), strict=True)),
        "unk_rate": 0.0123,
    }
    return FileReport(**{**defaults, **values})


def test_every_figure_is_printed():
    text = printed(CheckReport([file_report()]))
    for figure in (
        "12,345",
        "9,259",
        "75.0%",
        "3,086",
        "25.0%",
        "(empty text)",
        "7",
        "1777",
        "12.5%",
        "1.23%",
    ):
        assert figure in text, figure


def test_markup_in_labels_paths_and_messages_is_printed_as_it_is():
    text = printed(CheckReport([file_report()], ["a.tsv: [/] 'x'"], ["b.tsv: [bold]"]))
    for literal in ("[red]", "[bold]训练[/].tsv", "error: a.tsv: [/] 'x'", "warning: b.tsv: [bold]"):
        assert literal in text, literal


def test_the_last_line_counts_errors_and_warnings():
    assert printed(CheckReport([], ["x", "y"], ["z"])).rstrip().endswith("2 error(s), 1 warning(s)")


def test_a_file_without_usable_rows_can_be_printed():
    empty = dict.fromkeys(PERCENTILES, 0)
    assert "0 rows" in printed(CheckReport([file_report(rows=0, label_counts={}, token_percentiles=empty)]))
