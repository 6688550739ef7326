"""How files are read that are given to a trained model."""

from dataclasses import dataclass
from pathlib import Path

from kerasbert.config import DataConfig
from kerasbert.data.columns import Columns, Settings

ARGUMENTS = Settings("text_column", "label_column", "pair_column", "encoding", "Pass", "=")


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Names and an encoding in the place of those the model was trained with.

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

    def columns(self, path: str | Path, data: DataConfig, label_separator: str | None = None) -> Columns:
        """Returns what to read from `path` for a model that was trained with `data`.

        The encoding of the training files says nothing about streams: they are UTF-8 unless an encoding
        is given.
        """
        return Columns(
            text=self.text_column or data.text_column,
            label=self.label_column or data.label_column,
            pair=self.pair_column or data.pair_column,
            label_map=data.label_map,
            label_separator=label_separator,
            encoding=self.encoding or (data.encoding if Path(path).is_file() else "utf-8"),
            table=self.text_column is not None,
            settings=self.settings,
        )
