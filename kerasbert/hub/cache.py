"""A repository in the cache, laid out as `huggingface_hub` documents it.

blobs/DIGEST          the content of a file
refs/REVISION         the commit that a branch or tag meant
snapshots/COMMIT/     the files of a commit
"""

from pathlib import Path

from kerasbert.files import make_directory, write_text
from kerasbert.hub.address import Address
from kerasbert.hub.snapshot import Snapshot, is_complete


class CachedRepository:
    """What the cache has of a repository.

    Args:
        directory: of the repository, in the cache.
        main: name of its main branch.
    """

    def __init__(self, directory: Path, main: str):
        self.directory, self._main = directory, main
        self.blobs = directory / "blobs"

    def snapshot(self, commit: str) -> Path:
        """Returns the folder of a commit, which may not be there."""
        return self.directory / "snapshots" / commit

    def find(self, address: Address) -> Snapshot | None:
        """Returns what an earlier call or another library fetched, if it is complete."""
        commit = address.revision if address.is_pinned else self._noted(address.revision)
        if not commit or not is_complete(self.snapshot(commit)):
            return None
        return Snapshot(address.at(commit), self.snapshot(commit))

    def note(self, revision: str | None, commit: str) -> None:
        """Notes which commit a branch or tag means, for when there is no network."""
        path = self.directory / "refs" / (revision or self._main)
        if self._noted(revision) != commit:  # a cache may be read-only
            make_directory(path.parent)
            write_text(path, commit)

    def _noted(self, revision: str | None) -> str | None:
        path = self.directory / "refs" / (revision or self._main)
        return path.read_text(encoding="utf-8").strip() if path.is_file() else None
