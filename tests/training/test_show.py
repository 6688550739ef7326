import io

import pytest
from rich.console import Console

from kerasbert import progress
from kerasbert.training.show import Show


@pytest.mark.parametrize(("several", "f1"), [(False, "macro"), (True, "micro")])
def test_there_is_a_line_under_each_head_for_each_epoch(several, f1):
    console = Console(file=io.StringIO(), width=80)
    show = Show(steps=10, epochs=2, several=several)
    figures = {
        "loss": 0.5, "val_loss": 12.25, "val_accuracy": 1.0, f"val_{f1}_f1": 0.25, "learning_rate": 1e-5,
        "rows_per_second": 12345.6, "seconds": 1.23, "best": True,
    }  # fmt: skip
    with progress.shown(console):
        for epoch in range(2):
            show.begin(epoch)
            show.move(1)
            show.line({**figures, "epoch": epoch + 1})
    heads, one, two = console.file.getvalue().splitlines()
    columns = f"epoch, loss, val, loss, val, acc, {f1}, F1, rate, rows/s, seconds, best"
    assert heads.split() == columns.split(", ")
    assert one.split() == ["1", "0.5000", "12.2500", "1.0000", "0.2500", "1.0e-05", "12346", "1.2", "*"]
    assert two.split()[0] == "2"
    assert len(heads) == len(one) == len(two)
