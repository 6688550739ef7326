"""Shards: documents assigned by hash, each shard a file of examples in random order."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from kerasbert.corpus.examples import NEXT, NO_PAIR, NOT_NEXT, make_examples
from kerasbert.corpus.read import Unreadable
from kerasbert.corpus.records import serialize
from kerasbert.corpus.settings import CorpusSettings
from kerasbert.corpus.tokenize import TokenizedDocument
from kerasbert.errors import DataError
from kerasbert.files import atomic_path, wrap_read_errors, write_text
from kerasbert.text import Vocabulary

T = TypeVar("T")

_HASHES = 1 << 64


@dataclasses.dataclass(frozen=True)
class Counts:
    """Counts of a shard or a corpus. `tokens` excludes special tokens."""

    documents: int = 0
    sentences: int = 0
    tokens: int = 0
    unknown: int = 0
    examples: int = 0
    pairs_next: int = 0
    pairs_not_next: int = 0
    unpaired: int = 0
    unreadable: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        mine, others = dataclasses.astuple(self), dataclasses.astuple(other)
        return Counts(*(a + b for a, b in zip(mine, others, strict=True)))


def shard_names(settings: CorpusSettings) -> dict[str, list[str]]:
    """Returns the file names, without suffix, of the shards of each split."""
    held_out = max(1, round(settings.shards * settings.held_out)) if settings.held_out else 0
    sizes = {"train": settings.shards, "validation": held_out}
    return {
        split: [f"{split}-{number:05d}-of-{size:05d}" for number in range(size)]
        for split, size in sizes.items()
    }


def shard_of(key: str, settings: CorpusSettings) -> str:
    """Returns the name of the shard that a document belongs to, a pure function of its key and the seed.

    Identical texts are always in the same split.
    """
    names = shard_names(settings)
    text = key.rpartition("-")[2]
    split = "validation" if _fraction(f"{settings.seed}/split/{text}") < settings.held_out else "train"
    return names[split][int(_fraction(f"{settings.seed}/shard/{key}") * len(names[split]))]


def _fraction(text: str) -> float:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) / _HASHES


def write_shard(
    directory: Path,
    name: str,
    documents: Iterable[TokenizedDocument],
    unreadable: Sequence[Unreadable],
    vocabulary: Vocabulary,
    settings: CorpusSettings,
) -> None:
    """Writes `NAME.tfrecord` and then its counts as `NAME.json`.

    The result depends only on the documents and the settings, not on the order of the documents.
    """
    documents = sorted((d for d in documents if d.sentences), key=lambda document: document.key)
    random = np.random.default_rng([settings.seed, *name.encode()])
    examples = list(make_examples(documents, vocabulary, settings, random))
    order = random.permutation(len(examples))
    with (
        atomic_path(directory / f"{name}.tfrecord") as temporary,
        tf.io.TFRecordWriter(str(temporary)) as writer,
    ):
        for place in order:
            writer.write(serialize(examples[place]))
    if unreadable:
        lines = [json.dumps(dataclasses.asdict(item), ensure_ascii=False) for item in unreadable]
        write_text(directory / f"{name}.unreadable.jsonl", "\n".join(sorted(lines)) + "\n")
    labels = [example.label for example in examples]
    ids = [token for d in documents for s in d.sentences for token in s.ids]
    counts = Counts(
        documents=len(documents),
        sentences=sum(len(document.sentences) for document in documents),
        tokens=len(ids),
        unknown=ids.count(vocabulary.unk),
        examples=len(examples),
        pairs_next=labels.count(NEXT),
        pairs_not_next=labels.count(NOT_NEXT),
        unpaired=labels.count(NO_PAIR),
        unreadable=len(unreadable),
    )
    write_text(directory / f"{name}.json", json.dumps(dataclasses.asdict(counts)))


def read_counts(directory: Path, name: str) -> Counts | None:
    """Returns the counts of a shard, or None if it is not finished."""
    path = directory / f"{name}.json"
    return read_json(path, lambda counts: Counts(**counts)) if path.is_file() else None


def read_json(path: Path, parse: Callable[[Any], T]) -> T:
    """Returns what `parse` makes of the JSON in a file of a corpus.

    Raises:
        DataError: the file cannot be read, or is damaged.
    """
    with wrap_read_errors(path):
        content = path.read_text(encoding="utf-8")
    try:
        return parse(json.loads(content))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise DataError(
            f"{path}: is damaged ({reason}). Build the corpus again in another directory."
        ) from error
