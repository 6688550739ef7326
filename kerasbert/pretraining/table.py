"""The figures a pre-training shows."""

from kerasbert.engine.table import Column, Table

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


def pretraining_table(nsp: bool) -> Table:
    """Returns the table of a pre-training, with or without next sentence prediction."""
    return Table([column for column in _COLUMNS if nsp or "nsp" not in column.name])
