import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from huggingface_hub import constants, snapshot_download

from kerasbert.errors import CheckpointError, ServerError, UserError
from kerasbert.hub import fetch

from ..hub_server import commit_id
from .conftest import TAKEN, names

SOURCE = "hf://owner/tiny-bert"


def test_what_a_checkpoint_needs_is_fetched_and_nothing_else(hub, folder: Path):
    snapshot = fetch(SOURCE)
    assert str(snapshot.address) == f"{SOURCE}@{commit_id('first')}"
    assert snapshot.notes == ()
    assert names(snapshot.directory) == TAKEN
    for name in TAKEN:
        assert (snapshot.directory / name).read_bytes() == (folder / name).read_bytes()
    assert not [request for request in hub.requests if "evil" in request.path or ".bin" in request.path]


def test_the_cache_is_the_one_of_huggingface_hub(hub):
    snapshot = fetch(SOURCE)
    theirs = snapshot_download("owner/tiny-bert", allow_patterns=list(TAKEN), local_files_only=True)
    assert Path(theirs) == snapshot.directory
    hub.requests.clear()
    snapshot_download("owner/tiny-bert", allow_patterns=list(TAKEN))
    assert not hub.large_requests()  # nothing is downloaded twice


def test_what_huggingface_hub_fetched_is_not_fetched_again(hub):
    snapshot_download("owner/tiny-bert", allow_patterns=list(TAKEN))
    hub.requests.clear()
    fetch(SOURCE)
    assert [request.path for request in hub.requests] == ["/api/models/owner/tiny-bert"]


@pytest.mark.parametrize("revision", ["v1.0", "refs/pr/7", "main"])
def test_revisions_are_resolved_to_a_commit(hub, revision: str):
    assert str(fetch(f"{SOURCE}@{revision}").address) == f"{SOURCE}@{commit_id('first')}"


def test_a_branch_that_moved_is_fetched_and_the_commit_stays(hub, repository, folder: Path):
    first = fetch(SOURCE)
    (folder / "vocab.txt").write_text("[PAD]\n[UNK]\nnew\n")
    second_commit = repository.commit(folder, "second", "main")
    second = fetch(SOURCE)
    assert second.address.revision == second_commit
    assert "new" in (second.directory / "vocab.txt").read_text()
    assert "new" not in (fetch(str(first.address)).directory / "vocab.txt").read_text()


def test_a_cut_connection_is_resumed(hub, folder: Path):
    hub.cut_after = [100_000, 50_000]
    snapshot = fetch(SOURCE)
    assert (snapshot.directory / "model.safetensors").read_bytes() == (
        folder / "model.safetensors"
    ).read_bytes()
    assert [request.range for request in hub.large_requests()] == [None, "bytes=100000-", "bytes=150000-"]


def test_a_later_process_continues_where_an_earlier_one_broke_off(hub, folder: Path):
    hub.cut_after = [100_000, *[0] * 20]
    with pytest.raises(ServerError, match=r"broke off 5 times .* at 100,000 of 240,\d+ bytes\. Run the same"):
        fetch(SOURCE)
    hub.cut_after = []
    hub.requests.clear()
    snapshot = fetch(SOURCE)
    assert (snapshot.directory / "model.safetensors").read_bytes() == (
        folder / "model.safetensors"
    ).read_bytes()
    assert [request.range for request in hub.large_requests()] == ["bytes=100000-"]


def test_a_server_without_ranges_sends_the_whole_file_again(hub, folder: Path):
    hub.ranges, hub.cut_after = False, [100_000]
    snapshot = fetch(SOURCE)
    assert (snapshot.directory / "model.safetensors").read_bytes() == (
        folder / "model.safetensors"
    ).read_bytes()


def test_a_file_changed_on_the_way_is_refused(hub):
    hub.corrupt = True
    with pytest.raises(ServerError, match=r"what came is not the file \(its checksum differs\)"):
        fetch(SOURCE)
    hub.corrupt = False
    assert names(fetch(SOURCE).directory) == TAKEN


def test_a_passing_fault_of_the_content_network_is_waited_for(hub):
    hub.statuses = [200] * 4 + [503, 200, 502]  # the list, three small files, then the large one twice
    assert names(fetch(SOURCE).directory) == TAKEN


def test_a_mirror_that_tells_no_sizes_is_good_enough(hub):
    hub.metadata = False
    assert names(fetch(SOURCE).directory) == TAKEN


def test_tokens_stay_with_the_hub(hub, repository, monkeypatch):
    repository.token = "secret"
    with pytest.raises(CheckpointError, match=r"has no such repository, or it is private.*set HF_TOKEN"):
        fetch(SOURCE)
    monkeypatch.setenv("HF_TOKEN", "secret")
    assert names(fetch(SOURCE).directory) == TAKEN
    assert hub.large_requests()
    assert {request.token for request in hub.large_requests()} == {None}


def test_a_gated_repository_says_what_to_do(hub, repository, monkeypatch):
    repository.gated, repository.token = True, "accepted"
    for token in (None, "other"):
        if token:
            monkeypatch.setenv("HF_TOKEN", token)
        with pytest.raises(
            CheckpointError, match=r"conditions accepted.*/owner/tiny-bert, accept them, and set"
        ):
            fetch(SOURCE)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "hf://owner/other",
            r"hf://owner/other: http://127.0.0.1:\d+ has no such repository, or it is private",
        ),
        (f"{SOURCE}@v2", r"owner/tiny-bert has no revision 'v2'\. Name a branch.*leave out @v2"),
        (f"{SOURCE}@{'0' * 40}", r"has no revision '0{40}'"),
    ],
)
def test_what_is_not_there_is_named(hub, source: str, message: str):
    with pytest.raises(CheckpointError, match=message):
        fetch(source)


def test_a_wrong_token_is_told(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "nonsense")
    with pytest.raises(CheckpointError, match=r"does not accept the token.*set HF_TOKEN"):
        fetch(SOURCE)


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_failing_hub_is_no_fault_of_the_user(hub, status: int):
    hub.statuses = [status] * 9
    with pytest.raises(ServerError, match=rf"fails with HTTP status {status}.*Try again later.*HF_ENDPOINT"):
        fetch(SOURCE)


def test_a_login_page_is_no_hub(hub):
    hub.page = True
    with pytest.raises(ServerError, match=r"does not answer as a hub does.*Is HF_ENDPOINT right\?"):
        fetch(SOURCE)


@pytest.mark.parametrize("sha", ["../../../evil", "", "main"])
def test_a_hub_cannot_choose_the_folder(hub, tmp_path: Path, sha: str):
    hub.lies = {"sha": sha}
    with pytest.raises(ServerError, match="does not answer as a hub does"):
        fetch(SOURCE)
    assert not list(tmp_path.rglob("evil*"))


def test_a_hub_cannot_choose_the_file(hub, folder: Path, tmp_path: Path):
    hub.lies = {"blobId": "../../../evil"}
    assert names(fetch(SOURCE).directory) == TAKEN
    assert not list(tmp_path.rglob("evil*"))
    hub.lies = {"blobId": "0" * 40}
    (tmp_path / "hf_cache").rename(tmp_path / "another")
    with pytest.raises(ServerError, match="checksum"):
        fetch(SOURCE)


def test_an_empty_file_is_fetched_too(hub, repository, folder: Path):
    (folder / "added_tokens.json").write_text("")
    repository.commit(folder, "empty", "main")
    assert (fetch(SOURCE).directory / "added_tokens.json").read_bytes() == b""


def test_a_cache_that_is_read_only_can_be_read(hub, monkeypatch):
    fetched = fetch(SOURCE)
    monkeypatch.setattr("kerasbert.hub.cache.write_text", None)
    assert fetch(SOURCE) == fetched


def test_without_a_network_the_copy_of_earlier_is_taken(hub, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ServerError, match=r"cannot be reached.*Behind a firewall.*hf-mirror\.com.*HF_HOME"):
        fetch(SOURCE)
    monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
    fetched = fetch(SOURCE)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    again = fetch(SOURCE)
    assert (again.address, again.directory) == (fetched.address, fetched.directory)
    assert "cannot be reached" in again.notes[0]
    assert f"the copy in the cache is used: {fetched.address}" in again.notes[0]


@pytest.mark.parametrize("endpoint", ["hf-mirror.com", "ftp://x"])
def test_an_endpoint_without_https_is_the_users(hub, monkeypatch, endpoint: str):
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    with pytest.raises(CheckpointError, match="HF_ENDPOINT must be a URL with https://"):
        fetch(SOURCE)


def test_offline_means_the_cache(hub, monkeypatch):
    fetched = fetch(SOURCE)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.requests.clear()
    assert fetch(SOURCE) == fetched
    with pytest.raises(CheckpointError, match=r"HF_HUB_OFFLINE is set, and the cache in .*hf_cache"):
        fetch("hf://owner/other")
    assert hub.requests == []


def test_an_incomplete_copy_is_no_copy(hub, monkeypatch):
    fetched = fetch(SOURCE)
    (fetched.directory / "model.safetensors").unlink()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(CheckpointError, match="HF_HUB_OFFLINE is set"):
        fetch(SOURCE)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    assert names(fetch(str(fetched.address)).directory) == TAKEN


def test_shards_are_fetched(hub, repository, folder: Path):
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").unlink()
    shards = {f"model-0000{n}-of-00002.safetensors" for n in (1, 2)}
    for name in shards:
        (folder / name).write_bytes(weights)
    (folder / "model.safetensors.index.json").write_text("{}")
    repository.commit(folder, "shards", "main")
    fetched = fetch(SOURCE)
    assert names(fetched.directory) == TAKEN - {"model.safetensors"} | shards | {
        "model.safetensors.index.json"
    }
    (fetched.directory / "model-00002-of-00002.safetensors").unlink()
    assert names(fetch(str(fetched.address)).directory) >= shards


@pytest.mark.parametrize(
    ("remove", "message"),
    [
        (
            "model.safetensors",
            r"weights in pytorch_model\.bin only, and kerasbert never opens.*@refs/pr/NUMBER",
        ),
        ("config.json", r"has no config\.json"),
    ],
)
def test_what_kerasbert_does_not_read_is_not_fetched(
    hub, repository, folder: Path, remove: str, message: str
):
    (folder / remove).unlink()
    repository.commit(folder, "less", "main")
    with pytest.raises(CheckpointError, match=message):
        fetch(SOURCE)
    assert not hub.large_requests()


def test_a_full_disk_is_told(hub, tmp_path: Path, folder: Path):
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    blobs = tmp_path / "hf_cache" / "models--owner--tiny-bert" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{digest}.incomplete").symlink_to("/dev/full")
    with pytest.raises(UserError, match=r"cannot be written \(No space left on device\)\. Free some space"):
        fetch(SOURCE)


def test_a_cache_that_cannot_be_written_is_told(hub, tmp_path: Path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match=r"file.*cannot be written"):
        fetch(SOURCE)


def test_two_at_once_fetch_one_copy(hub, folder: Path):
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: fetch(SOURCE), range(4)))
    assert len({snapshot.directory for snapshot in found}) == 1
    assert (found[0].directory / "model.safetensors").read_bytes() == (
        folder / "model.safetensors"
    ).read_bytes()
    assert len(hub.large_requests()) == 1


@pytest.mark.parametrize("wrong", [1000, 999_999])
def test_a_partial_file_of_another_content_does_no_harm(hub, folder: Path, tmp_path: Path, wrong: int):
    content = (folder / "model.safetensors").read_bytes()
    blobs = tmp_path / "hf_cache" / "models--owner--tiny-bert" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{hashlib.sha256(content).hexdigest()}.incomplete").write_bytes(b"\0" * wrong)
    if wrong < len(content):  # only the checksum tells
        with pytest.raises(ServerError, match="checksum"):
            fetch(SOURCE)
    assert (fetch(SOURCE).directory / "model.safetensors").read_bytes() == content
