"""The figures a pre-training shows."""

from rich.console import Console

from kerasbert.training.progress import Column, Progress

_COLUMNS = (
    Column("step", "step", 8, "d"),
    Column("MLM loss", "mlm_loss", 8, ".4f"),
    Column("acc", "mlm_accuracy", 6, ".3f"),
    Column("val loss", "val_mlm_loss", 8, ".4f"),
    Column("val acc", "val_mlm_accuracy", 7, ".3f"),
    Column("perplexity", "val_perplexity", 10, ".2f"),
    Column("NSP acc", "nsp_accuracy", 7, ".3f"),
    Column("val NSP", "val_nsp_accuracy", 7, ".3f"),
    Column("rate", "learning_rate", 8, ".1e"),
    Column("examples/s", "examples_per_second", 10, ".0f"),
)


def pretraining_progress(console: Console, nsp: bool) -> Progress:
    """Returns the progress of a pre-training, with or without next sentence prediction."""
    return Progress(console, [column for column in _COLUMNS if nsp or "nsp" not in column.name])
