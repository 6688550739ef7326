"""ModelScope: `modelscope://owner/name@revision`.

The requests are those of its own client, modelscope-hub 0.5: a list of files from
`/api/v1/models/OWNER/NAME/repo/files`, a file from `/api/v1/models/OWNER/NAME/repo`. So are the environment
variables: MODELSCOPE_ENDPOINT (or MODELSCOPE_DOMAIN, its older form), MODELSCOPE_API_TOKEN and
MODELSCOPE_CACHE.
"""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import httpx2
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kerasbert import progress
from kerasbert.errors import KerasBertError, ServerError
from kerasbert.files import make_directory
from kerasbert.hub.address import COMMIT, Address
from kerasbert.hub.cache import CachedRepository
from kerasbert.hub.download import RemoteFile, download
from kerasbert.hub.failures import Hub
from kerasbert.hub.snapshot import Snapshot, choose_files

_MAIN = "master"
_TIMEOUT = 20


class _File(BaseModel):
    model_config = ConfigDict(frozen=True)

    path: str = Field(alias="Path")
    kind: str = Field("blob", alias="Type")  # or tree: a folder
    size: int = Field(alias="Size")
    sha256: str | None = Field(None, alias="Sha256", pattern="^([0-9a-f]{64})?$")
    revision: str = Field("", alias="Revision")  # the commit that last changed it
    committed: int = Field(0, alias="CommittedDate")  # in seconds since 1970


class _Files(BaseModel):
    files: list[_File] = Field(alias="Files")


class _Answer(BaseModel):
    code: int = Field(200, alias="Code")
    message: str = Field("", alias="Message")
    data: _Files | None = Field(None, alias="Data")


def fetch_modelscope(address: Address) -> Snapshot:
    """Fetches a repository into the cache, unless it is there; see `kerasbert.hub.fetch`."""
    root = Path(os.environ.get("MODELSCOPE_CACHE") or "~/.cache/modelscope").expanduser()
    cache = CachedRepository(root / "kerasbert" / f"{address.owner}--{address.name}", _MAIN)
    cached = cache.find(address)
    if cached and address.is_pinned:
        return cached
    repository = _Repository(address)
    with httpx2.Client(follow_redirects=True, timeout=_TIMEOUT) as client:
        try:
            files = repository.list_files(client, address.revision)
        except ServerError as failure:
            if not cached:
                raise
            return cached.instead_of(failure)
        commit = repository.commit_of(client, files)
        directory = cache.snapshot(commit or f"unpinned-{_digest(files)}")
        make_directory(directory)
        repository.download(client, files, commit, directory)
    if not commit:
        note = f"ModelScope names no commit of these files, so {address} may be other files another time"
        return Snapshot(address, directory, (note,))
    if not address.is_pinned:
        cache.note(address.revision, commit)
    return Snapshot(address.at(commit), directory)


class _Repository:
    """Requests for a repository."""

    def __init__(self, address: Address):
        domain = (
            os.environ.get("MODELSCOPE_ENDPOINT") or os.environ.get("MODELSCOPE_DOMAIN") or "modelscope.cn"
        )
        endpoint = (domain if "://" in domain else f"https://{domain}").rstrip("/")
        token = os.environ.get("MODELSCOPE_API_TOKEN")
        self._address = address
        self._url = f"{endpoint}/api/v1/models/{address.repository}/repo"
        # Neither of them follows a redirect to another host.
        self._headers = (
            {"Authorization": f"Bearer {token}", "Cookie": f"m_session_id={token}"} if token else {}
        )
        self._hub = Hub(
            endpoint,
            "MODELSCOPE_ENDPOINT",
            "set MODELSCOPE_API_TOKEN to a token that may read it",
            f"Perhaps hf://{address.repository} is there, or name a folder.",
        )

    def list_files(self, client: httpx2.Client, revision: str | None) -> list[_File]:
        """Returns the files of a checkpoint among those of the repository at a revision."""
        parameters = {"Revision": revision or _MAIN, "Recursive": "True"}
        try:
            response = client.get(f"{self._url}/files", params=parameters, headers=self._headers)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise self._hub.unreachable(self._address, error) from error
        answer = self._parsed(response)
        if answer.data is None:
            if response.status_code != 404:
                raise self._hub.refused(self._address, max(response.status_code, answer.code), answer.message)
            if revision and self._has_main(client):
                raise self._hub.no_revision(self._address)
            raise self._hub.not_found(self._address)
        files = {file.path: file for file in answer.data.files if file.kind != "tree"}
        return [files[name] for name in choose_files(files, self._address)]

    def commit_of(self, client: httpx2.Client, files: Iterable[_File]) -> str | None:
        """Returns a commit that has exactly these files, if ModelScope tells: that of the last change."""
        if self._address.is_pinned:
            return self._address.revision
        newest = max(files, key=lambda file: file.committed).revision
        if not COMMIT.fullmatch(newest):
            return None
        try:
            there = self.list_files(client, newest)
        except KerasBertError:
            return None
        return newest if _digest(there) == _digest(files) else None

    def download(
        self, client: httpx2.Client, files: list[_File], commit: str | None, directory: Path
    ) -> None:
        """Downloads files into a folder."""
        revision = commit or self._address.revision or _MAIN
        with progress.phase(
            f"downloading {self._address.repository}", sum(f.size for f in files), "bytes"
        ) as phase:
            for file in files:
                url = httpx2.URL(self._url, params={"Revision": revision, "FilePath": file.path})
                remote = RemoteFile(str(url), file.size, file.sha256 or None, self._headers)
                make_directory((directory / file.path).parent)
                try:
                    download(client, remote, directory / file.path, phase)
                except httpx2.HTTPStatusError as error:
                    raise self._hub.refused(self._address, error.response.status_code) from error

    def _has_main(self, client: httpx2.Client) -> bool:
        response = client.get(f"{self._url}/files", params={"Revision": _MAIN}, headers=self._headers)
        return response.is_success

    def _parsed(self, response: httpx2.Response) -> _Answer:
        try:
            return _Answer.model_validate_json(response.content)
        except ValidationError as error:
            if response.is_error:
                raise self._hub.refused(self._address, response.status_code) from error
            raise self._hub.unreachable(self._address, error) from error


def _digest(files: Iterable[_File]) -> str:
    """Returns a digest of what files hold, without when they were changed."""
    content = sorted((file.path, file.size, file.sha256 or file.revision) for file in files)
    return hashlib.sha256(repr(content).encode()).hexdigest()[:40]
