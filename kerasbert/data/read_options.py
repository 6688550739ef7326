"""What commands and functions that read rows may be told besides a configuration."""

from dataclasses import dataclass, replace

from kerasbert.config import DataConfig
from kerasbert.data.columns import Columns, Settings
from kerasbert.errors import UserError


class _Arguments(Settings):
    """Arguments of a function in Python."""

    def _quoted(self, value: str) -> str:
        return repr(value)


ARGUMENTS = _Arguments("text_column", "label_column", "pair_column", "encoding", "Pass", "=")


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Names and an encoding in the place of those of a configuration.

    Attributes:
        text_column: name of the column of texts.
        label_column: name of the column of labels.
        pair_column: name of the column of second texts.
        encoding: of text files.
        settings: how the user names these.
    """

    text_column: str | None = None
    label_column: str | None = None
    pair_column: str | None = None
    encoding: str | None = None
    settings: Settings = ARGUMENTS

    def columns(self, data: DataConfig, label_separator: str | None = None) -> Columns:
        """Returns what to read where a training would read by `data`.

        Without an encoding of its own a stream is UTF-8: `data` is about files.
        """
        return replace(
            Columns.of(data, label_separator),
            text=self.text_column or data.text_column,
            label=self.label_column or data.label_column,
            pair=self.pair_column or data.pair_column,
            encoding=self.encoding or data.encoding,
            stream_encoding=self.encoding or "utf-8",
            table=self.text_column is not None,
            settings=self.settings,
        )

    def columns_for(self, data: DataConfig, label_separator: str | None = None) -> Columns:
        """Returns what to read for a model that was trained on `data`.

        Raises:
            UserError: a second text is named that the model does not take.
        """
        if self.pair_column is not None and data.pair_column is None:
            raise UserError(
                f"{self.settings.pair}: the model takes one text, no pair. Received: {self.pair_column!r}"
            )
        return self.columns(data, label_separator)
