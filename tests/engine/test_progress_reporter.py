import io

from rich.console import Console

from kerasbert import progress
from kerasbert.engine.progress_reporter import Column, ProgressReporter

COLUMNS = [
    Column("epoch", "epoch", 5, "d"),
    Column("val loss", "val_loss", 8, ".4f"),
    Column("rate", "learning_rate", 8, ".1e"),
    Column("best", "best", 4, ""),
]


def test_each_segment_leaves_a_line_below_the_heads():
    console = Console(file=io.StringIO(), width=80)
    reporter = ProgressReporter(COLUMNS)
    with progress.shown(console):
        for epoch in (1, 2):
            reporter.begin(f"epoch {epoch}/2", 10)
            reporter.move(1)
            reporter.line({"epoch": epoch, "learning_rate": 1e-5, "best": epoch == 1})
    heads, one, two = console.file.getvalue().splitlines()
    assert heads.split() == ["epoch", "val", "loss", "rate", "best"]
    assert one.split() == ["1", "-", "1.0e-05", "*"]
    assert two.split() == ["2", "-", "1.0e-05"]
    assert len(heads) == len(one) == len(two)
