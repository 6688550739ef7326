"""Whether the data of a training are those it was begun with."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kerasbert.checkpoints import RunDirectory
from kerasbert.data import Rows
from kerasbert.errors import UserError
from kerasbert.files import write_text
from kerasbert.training.prepare import Prepared
from kerasbert.training.training_data import TrainingData

_SIDES = {"train": "training rows", "validation": "validation rows", "unlabelled": "unlabelled rows"}


def fingerprint(data: Prepared | TrainingData, teacher: str | None = None) -> dict[str, Any]:
    """Returns the labels and, for each side, how many rows there are and digests of what they hold.

    Args:
        data: the rows.
        teacher: run directory of the teacher of a distillation, whose weights count as data.
    """
    sides = {side: _digests(getattr(data, side)) for side in _SIDES}
    if teacher:
        with RunDirectory(teacher).weights.open("rb") as file:
            sides["teacher"] = {"weights": hashlib.file_digest(file, "sha256").hexdigest()}
    return {"labels": list(data.task.labels), **sides}


def save_fingerprint(path: Path, of: Mapping[str, Any]) -> None:
    """Writes a fingerprint as JSON."""
    write_text(path, json.dumps(of, ensure_ascii=False, indent=2) + "\n")


def require_fingerprint(path: Path, now: Mapping[str, Any]) -> None:
    """Raises `UserError`, which names what differs, unless `path` holds the fingerprint `now`.

    Where there is no such file, as in runs from before there were fingerprints, nothing is compared.
    """
    if not path.is_file():
        return
    begun = json.loads(path.read_text(encoding="utf-8"))
    changes = [change for change in _changes(begun, now) if change]
    if changes:
        raise UserError(
            f"{path.parent}: was begun with other data: {'; '.join(changes)}. Resume with the data it was "
            "begun with, or train anew with another run_dir (--run-dir)."
        )


def changed_labels(begun: Iterable[str], now: Iterable[str]) -> str | None:
    """Returns how the labels differ, if they do."""
    before, after = list(begun), list(now)
    if before == after:
        return None
    lost = [label for label in before if label not in after]
    new = [label for label in after if label not in before]
    parts = [
        *([f"without {_names(lost)}"] if lost else []),
        *([f"with {_names(new)} added"] if new else []),
    ]
    return f"the labels are now {' and '.join(parts) or 'in another order'}"


def _names(labels: list[str]) -> str:
    more = f" and {len(labels) - 5} more" if len(labels) > 5 else ""
    return ", ".join(map(repr, labels[:5])) + more


def _changes(begun: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[str | None]:
    yield changed_labels(begun["labels"], now["labels"])
    if begun.get("teacher") != now.get("teacher"):
        yield "the weights of the teacher have changed"
    for side, name in _SIDES.items():
        before, after = begun[side], now[side]
        if before["rows"] != after["rows"]:
            yield f"there were {before['rows']:,} {name} and there are {after['rows']:,}"
        elif before["content"] != after["content"]:
            texts = "labels" if before["texts"] == after["texts"] else "texts"
            yield f"{texts} of the {name} have changed"
        elif before["texts"] != after["texts"] or before["labels"] != after["labels"]:
            yield f"the {name} are in another order"


def _digests(rows: Rows) -> dict[str, Any]:
    texts, labels, content = hashlib.sha256(), hashlib.sha256(), 0
    for row in rows.rows:
        text, of_row = repr((row.text, row.pair)).encode(), repr(row.labels).encode()
        texts.update(text)
        labels.update(of_row)
        # A sum does not depend on the order.
        content += int.from_bytes(hashlib.blake2b(text + of_row, digest_size=16).digest())
    return {
        "rows": len(rows),
        "texts": texts.hexdigest(),
        "labels": labels.hexdigest(),
        "content": f"{content % (1 << 128):032x}",
    }
