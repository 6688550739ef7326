"""Lists the versions of a model and removes old ones."""

import shutil
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kerasbert.deployment.served_versions import ServedVersions
from kerasbert.errors import UserError
from kerasbert.files import wait_for_lock
from kerasbert.layout import directory_size, require_versions, version_folders

_REMOVED = ".removed-"


@dataclass(frozen=True)
class Version:
    """A version with its labels. `size` is in bytes, or None if its folder is missing."""

    number: int
    labels: list[str]
    served: bool
    size: int | None


def list_versions(model_dir: Path) -> list[Version]:
    """Returns the versions, the oldest first.

    Raises:
        UserError: there is no version, or `models.config` cannot be read.
    """
    folders = require_versions(model_dir)
    served = ServedVersions(model_dir)
    # Without models.config a server loads the highest version.
    numbers = served.numbers if served.exists else {max(folders)}
    return [
        Version(
            number,
            served.labels_of(number),
            number in numbers,
            directory_size(folders[number]) if number in folders else None,
        )
        for number in sorted({*folders, *numbers})
    ]


def prune(model_dir: Path, keep: int, spare: Iterable[int] = ()) -> list[int]:
    """Removes all but the `keep` newest versions, except served and labelled ones.

    A version is renamed before its files are deleted, so that nobody sees it half-deleted.

    Args:
        model_dir: contains the versions.
        keep: number of versions to keep, 1 or more.
        spare: additional versions to keep.

    Returns:
        The versions removed.

    Raises:
        UserError: a folder cannot be removed, or `models.config` cannot be read.
    """
    removed = []
    with wait_for_lock(model_dir):
        served = ServedVersions(model_dir)
        needed = {*served.numbers, *served.labels.values(), *spare}
        for left_over in model_dir.glob(f"{_REMOVED}*"):  # from a process that was killed
            shutil.rmtree(left_over, ignore_errors=True)
        for number, folder in list(version_folders(model_dir).items())[:-keep]:
            if number not in needed:
                hidden = model_dir / f"{_REMOVED}{uuid.uuid4().hex[:8]}"
                try:
                    folder.rename(hidden)
                    shutil.rmtree(hidden)
                except OSError as error:
                    raise UserError(f"{folder}: cannot be removed ({error.strerror}).") from error
                removed.append(number)
    return removed
