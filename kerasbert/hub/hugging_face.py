"""The Hugging Face Hub, or a mirror of it: `hf://owner/name@revision`.

Requests, tokens and the cache are those of `huggingface_hub` and follow its environment variables
(HF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_OFFLINE). The contents of files are downloaded by
`kerasbert.hub.download` to where its cache keeps them, because what `huggingface_hub` 2.4 downloads begins
again when the process ends early.
"""

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx2
import huggingface_hub
from huggingface_hub import constants, errors
from huggingface_hub.file_download import repo_folder_name
from huggingface_hub.hf_api import ModelInfo, RepoSibling
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

import kerasbert
from kerasbert import progress
from kerasbert.errors import CheckpointError, KerasBertError, ServerError, excerpt
from kerasbert.files import make_directory
from kerasbert.hub.address import COMMIT, Address
from kerasbert.hub.cache import CachedRepository
from kerasbert.hub.download import RemoteFile, download
from kerasbert.hub.failures import Hub
from kerasbert.hub.snapshot import Snapshot, choose_files

_TIMEOUT = 20.0
_DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.A)  # becomes the name of a file


def fetch_hugging_face(address: Address) -> Snapshot:
    """Fetches a repository into the cache, unless it is there; see `kerasbert.hub.fetch`."""
    folder = repo_folder_name(repo_id=address.repository, repo_type=constants.REPO_TYPE_MODEL)
    cache = CachedRepository(Path(constants.HF_HUB_CACHE).expanduser() / folder, constants.DEFAULT_REVISION)
    cached = cache.find(address)
    if cached and (address.is_pinned or constants.HF_HUB_OFFLINE):
        return cached
    api = huggingface_hub.HfApi(library_name="kerasbert", library_version=kerasbert.__version__)
    try:
        with _explained(address):
            info = _ask(api, address)
    except ServerError as failure:
        if not cached:
            raise
        return cached.instead_of(failure)
    pinned = address.at(str(info.sha))
    files = {file.rfilename: file for file in info.siblings or []}
    names = choose_files(files, address)
    found = Snapshot(pinned, cache.snapshot(str(info.sha)))
    missing = [name for name in names if not (found.directory / name).is_file()]
    with _explained(pinned):
        _download([files[name] for name in missing], pinned, cache)
        for name in missing:  # becomes a link to what was downloaded
            api.hf_hub_download(address.repository, name, revision=pinned.revision)
    if not address.is_pinned:
        cache.note(address.revision, str(info.sha))
    return found


def _ask(api: huggingface_hub.HfApi, address: Address) -> ModelInfo:
    try:
        info = api.model_info(
            address.repository, revision=address.revision, files_metadata=True, timeout=_TIMEOUT
        )
    except (ValueError, KeyError, TypeError) as error:  # a page of something else
        raise _hub(address).unreachable(address, error) from error
    if not COMMIT.fullmatch(str(info.sha)):  # it becomes the name of a folder
        raise _hub(address).unreachable(address, ValueError(f"it names the commit {excerpt(info.sha)!r}"))
    return info


def _download(files: Sequence[RepoSibling], pinned: Address, cache: CachedRepository) -> None:
    make_directory(cache.blobs)
    headers = build_hf_headers(library_name="kerasbert")
    total = sum(file.size or 0 for file in files)
    with progress.phase(f"downloading {pinned.repository}", total, "bytes") as phase:
        for file in files:
            digest = str(file.lfs.sha256 if file.lfs else file.blob_id)
            # A mirror may not tell: then huggingface_hub downloads it.
            if file.size is None or not _DIGEST.fullmatch(digest):
                continue
            url = huggingface_hub.hf_hub_url(pinned.repository, file.rfilename, revision=pinned.revision)
            remote = RemoteFile(url, file.size, digest, headers)
            download(huggingface_hub.get_session(), remote, cache.blobs / digest, phase)


@contextlib.contextmanager
def _explained(address: Address) -> Iterator[None]:
    try:
        yield
    except (OSError, httpx2.HTTPError, httpx2.InvalidURL) as error:
        failure = _failure(error, address)
        if failure is None:
            raise
        raise failure from error


def _hub(address: Address) -> Hub:
    return Hub(
        constants.ENDPOINT,
        "HF_ENDPOINT",
        "set HF_TOKEN to a token that may read it (or: hf auth login)",
        "Behind a firewall, name a mirror with HF_ENDPOINT (such as https://hf-mirror.com), or take "
        f"modelscope://{address.repository} if ModelScope has it. Without a network, bring the cache "
        "(HF_HOME) from elsewhere, or name a folder.",
    )


def _failure(error: Exception, address: Address) -> KerasBertError | None:
    """Returns what to raise instead of an error of `huggingface_hub`; None: it is none of the hub's."""
    hub = _hub(address)
    if isinstance(error, errors.OfflineModeIsEnabled):
        return CheckpointError(
            f"{address}: HF_HUB_OFFLINE is set, and the cache in {constants.HF_HUB_CACHE} does not have it. "
            "Fetch it once without HF_HUB_OFFLINE, or name a folder."
        )
    if isinstance(error, errors.GatedRepoError):
        return CheckpointError(
            f"{address}: its owner wants conditions accepted first. Log in at "
            f"{hub.endpoint}/{address.repository}, accept them, and {hub.log_in}."
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return hub.no_revision(address)
    if isinstance(error, errors.RepositoryNotFoundError):
        return hub.not_found(address)
    if isinstance(error, httpx2.HTTPStatusError | errors.HfHubHTTPError):
        return hub.refused(address, error.response.status_code, getattr(error, "server_message", None))
    if isinstance(error, httpx2.HTTPError | httpx2.InvalidURL | errors.LocalEntryNotFoundError):
        return hub.unreachable(address, error)
    return None  # of the file system
