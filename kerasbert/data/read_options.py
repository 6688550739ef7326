"""Options of commands and functions that read rows; they override the configuration."""

from collections.abc import Sequence
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
    """Overrides of the column names and the encoding of a configuration.

    Attributes:
        text_column: name of the text column.
        label_column: name of the label column.
        pair_column: name of the column of the second text.
        encoding: encoding of text files.
        settings: what messages call these options.
    """

    text_column: str | None = None
    label_column: str | None = None
    pair_column: str | None = None
    encoding: str | None = None
    settings: Settings = ARGUMENTS

    def __post_init__(self) -> None:
        for name in ("text_column", "label_column", "pair_column", "encoding"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise UserError(f"{name}: must be a string. Received: {value!r}")

    def columns(self, data: DataConfig, label_separator: str | None = None) -> Columns:
        """Returns the columns of `data` with these overrides.

        A stream is UTF-8 unless `encoding` is set: the encoding in `data` applies to files.
        """
        return replace(
            Columns.from_config(data, label_separator),
            text=self.text_column or data.text_column,
            label=self.label_column or data.label_column,
            pair=self.pair_column or data.pair_column,
            encoding=self.encoding or data.encoding,
            stream_encoding=self.encoding or "utf-8",
            table=self.text_column is not None,
            settings=self.settings,
        )

    def data_config(self, data: DataConfig, files: Sequence[str]) -> DataConfig:
        """Returns `data` as if it named `files` as the training rows, and these columns and encoding."""
        named = {
            "text_column": self.text_column,
            "label_column": self.label_column,
            "pair_column": self.pair_column,
            "encoding": self.encoding,
        }
        given = {name: value for name, value in named.items() if value is not None}
        return data.model_copy(update={**given, "train": list(files)}, deep=True)

    def columns_for(self, data: DataConfig, label_separator: str | None = None) -> Columns:
        """Returns the columns to read for a model that was trained on `data`.

        Raises:
            UserError: `pair_column` is set, but the model takes single texts.
        """
        if self.pair_column is not None and data.pair_column is None:
            raise UserError(
                f"{self.settings.pair}: the model takes single texts, not pairs. Received: "
                f"{self.pair_column!r}"
            )
        return self.columns(data, label_separator)
