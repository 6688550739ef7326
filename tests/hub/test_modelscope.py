from pathlib import Path

import pytest

from kerasbert.errors import CheckpointError, ServerError
from kerasbert.hub import fetch

from ..hub_server import commit_id
from .conftest import TAKEN, names

SOURCE = "modelscope://owner/tiny-bert"


def test_what_a_checkpoint_needs_is_fetched_and_nothing_else(hub, folder: Path, tmp_path: Path):
    snapshot = fetch(SOURCE)
    assert str(snapshot.address) == f"{SOURCE}@{commit_id('first')}"
    assert snapshot.notes == ()
    assert snapshot.directory.is_relative_to(tmp_path / "ms_cache")
    assert names(snapshot.directory) == TAKEN
    for name in TAKEN:
        assert (snapshot.directory / name).read_bytes() == (folder / name).read_bytes()


def test_a_branch_that_moved_is_fetched(hub, repository, folder: Path):
    fetch(SOURCE)
    (folder / "vocab.txt").write_text("[PAD]\n[UNK]\nnew\n")
    second_commit = repository.commit(folder, "second", "master")
    second = fetch(SOURCE)
    assert second.address.revision == second_commit
    assert "new" in (second.directory / "vocab.txt").read_text()
    assert fetch(f"{SOURCE}@v1.0").address.revision == commit_id("first")


def test_files_without_a_commit_are_taken_with_a_note(hub, repository, folder: Path):
    hub.pinned = False
    snapshot = fetch(SOURCE)
    assert str(snapshot.address) == SOURCE
    assert "names no commit" in snapshot.notes[0]
    (folder / "vocab.txt").write_text("[PAD]\n[UNK]\nnew\n")
    repository.commit(folder, "second", "master")
    assert "new" in (fetch(SOURCE).directory / "vocab.txt").read_text()
    assert "new" not in (snapshot.directory / "vocab.txt").read_text()


def test_a_broken_download_is_continued(hub, folder: Path):
    hub.cut_after = [100_000, *[0] * 20]
    with pytest.raises(ServerError, match=r"broke off 5 times .* at 100,000 of"):
        fetch(SOURCE)
    hub.cut_after = []
    hub.requests.clear()
    snapshot = fetch(SOURCE)
    assert (snapshot.directory / "model.safetensors").read_bytes() == (
        folder / "model.safetensors"
    ).read_bytes()
    assert [request.range for request in hub.large_requests()] == ["bytes=100000-"]
    assert names(snapshot.directory) == TAKEN


def test_tokens_stay_with_the_hub(hub, repository, monkeypatch):
    repository.token = "secret"
    with pytest.raises(CheckpointError, match=r"no such repository, or it is private.*MODELSCOPE_API_TOKEN"):
        fetch(SOURCE)
    monkeypatch.setenv("MODELSCOPE_API_TOKEN", "secret")
    assert names(fetch(SOURCE).directory) == TAKEN
    assert {(request.token, request.cookie) for request in hub.large_requests()} == {(None, None)}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("modelscope://owner/other", r"has no such repository, or it is private"),
        ("modelscope://owner/other@v9", r"has no such repository, or it is private"),
        (f"{SOURCE}@v2", r"owner/tiny-bert has no revision 'v2'"),
    ],
)
def test_what_is_not_there_is_named(hub, source: str, message: str):
    with pytest.raises(CheckpointError, match=message):
        fetch(source)


def test_a_failing_hub_and_a_login_page_are_told(hub):
    hub.statuses = [502]
    with pytest.raises(ServerError, match=r"fails with HTTP status 502.*Perhaps hf://owner/tiny-bert"):
        fetch(SOURCE)
    hub.page = True
    with pytest.raises(ServerError, match=r"does not answer as a hub does.*Is MODELSCOPE_ENDPOINT right"):
        fetch(SOURCE)


def test_without_a_network_the_copy_of_earlier_is_taken(hub, monkeypatch):
    fetched = fetch(SOURCE)
    monkeypatch.delenv("MODELSCOPE_ENDPOINT")
    monkeypatch.setenv("MODELSCOPE_DOMAIN", "http://127.0.0.1:9")  # the older variable
    again = fetch(SOURCE)
    assert again.address == fetched.address
    assert "127.0.0.1:9 cannot be reached" in again.notes[0]
    with pytest.raises(ServerError, match="cannot be reached"):
        fetch("modelscope://owner/other")


@pytest.mark.parametrize("endpoint", ["ftp://x", "https://[", "htp:/x"])
def test_a_malformed_endpoint_is_the_users(hub, monkeypatch, endpoint: str):
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", endpoint)
    with pytest.raises(
        (CheckpointError, ServerError), match=r"MODELSCOPE_ENDPOINT must be a URL|cannot be reached"
    ):
        fetch(SOURCE)


def test_pickles_are_refused(hub, repository, folder: Path):
    (folder / "model.safetensors").unlink()
    repository.commit(folder, "less", "master")
    with pytest.raises(
        CheckpointError, match=r"never opens a pickle\. Download the folder \(modelscope download"
    ):
        fetch(SOURCE)
    assert not hub.large_requests()
