"""Fingerprints of the data, to check that a training is resumed with its original data."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kerasbert.checkpoints import RunDirectory
from kerasbert.data import Rows
from kerasbert.errors import UserError
from kerasbert.listing import join_first
from kerasbert.training.prepare import Prepared
from kerasbert.training.training_data import TrainingData

_SPLIT = ("train", "validation")
_SUMS = 1 << 128
_SIDES = {"train": "training rows", "validation": "validation rows", "unlabelled": "unlabelled rows"}


def fingerprint(data: Prepared | TrainingData, teacher: str | None = None) -> dict[str, Any]:
    """Returns the labels and, for each side, the number of rows and digests of their content.

    Args:
        data: the rows.
        teacher: run directory of the teacher of a distillation, whose weights count as data.
    """
    sides = {side: _digests(getattr(data, side)) for side in _SIDES}
    if len(data.soft):
        sides["soft"] = {
            **_digests(data.soft),
            "targets": hashlib.sha256(data.soft.targets.tobytes()).hexdigest(),
        }
    if teacher:
        with RunDirectory(teacher).weights.open("rb") as file:
            sides["teacher"] = {"weights": hashlib.file_digest(file, "sha256").hexdigest()}
    return {"labels": list(data.task.labels), **sides}


def require_fingerprint(path: Path, now: Mapping[str, Any]) -> None:
    """Raises `UserError`, which names what differs, unless `path` holds the fingerprint `now`.

    Where there is no such file, as in runs from before there were fingerprints, nothing is compared.
    """
    if not path.is_file():
        return
    started = json.loads(path.read_text(encoding="utf-8"))
    changes = [change for change in _changes(started, now) if change]
    if changes:
        raise UserError(
            f"{path.parent}: was started with other data: {'; '.join(changes)}. Resume with the data it was "
            "started with, or start a new run with another run_dir (--output)."
        )


def changed_labels(started: Iterable[str], now: Iterable[str]) -> str | None:
    """Returns how the labels differ, if they do."""
    before, after = list(started), list(now)
    if before == after:
        return None
    lost = [repr(label) for label in before if label not in after]
    new = [repr(label) for label in after if label not in before]
    parts = [
        *([f"without {join_first(lost)}"] if lost else []),
        *([f"with {join_first(new)} added"] if new else []),
    ]
    return f"the labels are now {' and '.join(parts) or 'in another order'}"


def _changes(started: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[str | None]:
    yield changed_labels(started["labels"], now["labels"])
    if started.get("teacher") != now.get("teacher"):
        yield "the weights of the teacher have changed"
    if started.get("soft") != now.get("soft"):
        yield "the soft labels have changed"
    moved = _texts_of_both(started) == _texts_of_both(now) and any(
        started[side]["texts_in_any_order"] != now[side]["texts_in_any_order"] for side in _SPLIT
    )
    if moved:
        yield "the same texts are split otherwise: they are in another order, or their labels have changed"
    for side, name in _SIDES.items():
        before, after = started[side], now[side]
        if before == after or (moved and side in _SPLIT):
            continue
        if before["rows"] != after["rows"]:
            yield f"there were {before['rows']:,} {name} and there are {after['rows']:,}"
        elif before["in_any_order"] == after["in_any_order"]:
            yield f"the {name} are in another order"
        elif before["texts_in_any_order"] == after["texts_in_any_order"]:
            yield f"labels of the {name} have changed"
        else:
            yield f"texts of the {name} have changed"


def _texts_of_both(of: Mapping[str, Any]) -> int:
    return sum(int(of[side]["texts_in_any_order"], 16) for side in _SPLIT) % _SUMS


def _digests(rows: Rows) -> dict[str, Any]:
    """Returns digests of the rows in their order, and of rows and texts in any order."""
    in_order, content, texts = hashlib.sha256(), 0, 0
    for row in rows.rows:
        text, labels = repr((row.text, row.pair)).encode(), repr(row.labels).encode()
        in_order.update(text + labels)
        # A sum does not depend on the order.
        content += _number(text + labels)
        texts += _number(text)
    return {
        "rows": len(rows),
        "in_order": in_order.hexdigest(),
        "in_any_order": f"{content % _SUMS:032x}",
        "texts_in_any_order": f"{texts % _SUMS:032x}",
    }


def _number(content: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=16).digest())
