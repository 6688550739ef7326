"""Which columns to read: chosen by name, with a suggestion if one is missing."""

import difflib
import shlex
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from kerasbert.config import DataConfig
from kerasbert.data.labels import spelled_as
from kerasbert.encoding import convert_first
from kerasbert.errors import DataError

# Common names of these columns, lower-cased and without spaces.
TEXT_NAMES = (
    "text", "review", "content", "sentence", "text_a", "comment", "message", "title", "query",
    "question", "utterance", "内容", "文本", "评论", "评价", "正文", "句子", "标题", "留言",
)  # fmt: skip
LABEL_NAMES = (
    "label", "category", "class", "sentiment", "target", "tag", "intent", "rating", "star", "score",
    "标签", "类别", "分类", "类目", "情感", "情绪", "意图", "评分",
)  # fmt: skip
PAIR_NAMES = ("pair", "text_b", "text_pair", "sentence2", "question2", "text2")


@dataclass(frozen=True, slots=True)
class Settings:
    """What messages call the reader's settings: keys, options or arguments. Defaults to config keys."""

    text: str | None = "data.text_column"  # None: the text column cannot be set
    label: str = "data.label_column"
    pair: str = "data.pair_column"
    encoding: str | None = "data.encoding"  # None: the encoding cannot be set
    verb: str = "Set"
    assign: str = ": "

    def advise(self, *named: tuple[str, str]) -> str:
        """Returns a sentence that says how to set each of the (name, value) pairs."""
        parts = [f"{name}{self.assign}{self._quoted(value)}" for name, value in named]
        return f"{self.verb} {' and '.join(parts)}."

    def advise_encoding(self, encoding: str) -> str:
        """Returns a sentence that says how to read text in `encoding`."""
        if self.encoding is None:
            return convert_first(encoding)
        return self.advise((self.encoding, encoding))

    def _quoted(self, value: str) -> str:
        # Chinese needs no quotes in a shell.
        bare = value.replace("-", "_").isidentifier()
        return value if bare else shlex.quote(value) if value.isprintable() else repr(value)


KEYS = Settings()
OPTIONS = Settings("--text-column", "--label-column", "--pair-column", "--encoding", "Add", " ")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns to read, and how.

    Attributes:
        text: name of the text column.
        label: name of the label column. None: rows need no label, and plain lines of text are accepted.
        pair: name of the column of the second text, if there is one.
        label_map: maps labels in the files to the labels to use.
        label_separator: separates the labels of a row in a multi-label task. None: one label a row.
        encoding: encoding of text files.
        stream_encoding: encoding of standard input and pipes.
        table: whether standard input and files with an unknown suffix are tables rather than lines of
            text. Implied by `label`.
        settings: what messages call these settings.
        whole: whether rows also have the cells of all columns.
        labels: the labels in the order of one-hot lists, in a multi-label task.
        renamed: keys of `label_map` that have occurred so far.
    """

    text: str = "text"
    label: str | None = "label"
    pair: str | None = None
    label_map: dict[str, str] = field(default_factory=dict)
    label_separator: str | None = None
    encoding: str = "utf-8"
    stream_encoding: str = "utf-8"
    table: bool = False
    settings: Settings = KEYS
    whole: bool = False
    labels: tuple[str, ...] = ()
    renamed: set[str] = field(default_factory=set, compare=False, repr=False)

    @classmethod
    def from_config(cls, config: DataConfig, label_separator: str | None = None) -> "Columns":
        """Returns the columns that `config` names.

        Args:
            config: the section `data`.
            label_separator: the default of a multi-label task, which `config` may override; else None.
        """
        return cls(
            label_separator=label_separator and (config.label_separator or label_separator),
            labels=tuple(config.labels) if label_separator else (),
            text=config.text_column,
            label=config.label_column,
            pair=config.pair_column,
            label_map=config.label_map,
            encoding=config.encoding,
            stream_encoding=config.encoding,
        )

    def without_labels(self, whole: bool = False) -> "Columns":
        """Returns these columns without that of the labels; see `whole`."""
        return replace(self, label=None, whole=whole)

    @property
    def wanted(self) -> dict[str, str]:
        """Maps `text`, `label` and `pair`, where wanted, to the names of their columns."""
        names = {"text": self.text, "label": self.label, "pair": self.pair}
        return {what: name for what, name in names.items() if name is not None}

    def rename(self, label: str) -> str:
        """Applies `label_map` to a label."""
        label = spelled_as(label, self.label_map)
        if label not in self.label_map:
            return label
        self.renamed.add(label)
        return self.label_map[label]

    def found_in(self, header: Sequence[str]) -> bool:
        """Whether `header` has all wanted columns."""
        return set(self.wanted.values()) <= set(header)

    def choose(self, header: Sequence[str], place: str) -> list[str]:
        """Returns the names of the columns to read from a table, in the order of `wanted`.

        If only text is wanted, a table's single column is used if it has a common name for texts.

        Args:
            header: names of all columns.
            place: location of the header, for the message.

        Raises:
            DataError: a column is missing, or a name occurs twice.
        """
        twice = [name for name, count in Counter(header).items() if count > 1 and name.strip()]
        if twice:
            raise DataError(f"{place}: has two columns named {twice[0]!r}. Rename one.")
        if len(header) == 1 and list(self.wanted) == ["text"] and _bare(header[0]) in TEXT_NAMES:
            return list(header)
        missing = {what: name for what, name in self.wanted.items() if name not in header}
        if missing:
            raise DataError(f"{place}: {self._describe_missing(missing, header)}")
        return list(self.wanted.values())

    def _describe_missing(self, missing: dict[str, str], header: Sequence[str]) -> str:
        others = [name for name in header if name not in self.wanted.values()]
        known = {"text": TEXT_NAMES, "label": LABEL_NAMES, "pair": PAIR_NAMES}
        named = []
        for what, name in missing.items():
            likely = _likely(name, known[what], others)
            if likely is not None:
                others.remove(likely)
                named.append((getattr(self.settings, what), likely))
        columns = "column" if len(missing) == 1 else "columns"
        fault = f"has no {columns} {' and '.join(map(repr, missing.values()))}. It has: {named_in(header)}."
        if named:
            fault += f" Did you mean {' and '.join(repr(name) for _, name in named)}?"
        flags = [getattr(self.settings, what) for what in missing]
        if None in flags:
            return f"{fault} Rename a column."
        if named:
            return f"{fault} {self.settings.advise(*named)}"
        return f"{fault} Rename a column, or set {' and '.join(flags)}."


def named_in(header: Sequence[str]) -> str:
    """Returns column names for a message, with invisible characters escaped."""
    shown = (name if name.isprintable() and name == name.strip() else repr(name) for name in header)
    return ", ".join(shown) or "none"


def _likely(name: str, known: Sequence[str], header: Sequence[str]) -> str | None:
    """Returns the column that `name` probably refers to, or None."""
    bare = {column: _bare(column) for column in header if column.strip()}
    for probable in (
        lambda column: column == _bare(name),
        lambda column: column in known,
        lambda column: any(part in column for part in known),
    ):
        found = [column for column, plain in bare.items() if probable(plain)]
        if found:
            return found[0]
    close = difflib.get_close_matches(name, header, n=1)
    return close[0] if close else None


def _bare(name: str) -> str:
    """Returns a name NFKC-normalised, lower-cased and without spaces and invisible characters."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in folded if not c.isspace() and unicodedata.category(c) != "Cf")
