"""What both hubs have in common."""

from pathlib import Path

import pytest

from kerasbert.hub import fetch

from .conftest import NAME, TAKEN, names


@pytest.fixture(params=["hf", "modelscope"])
def source(request) -> str:
    return f"{request.param}://{NAME}"


def test_a_commit_in_the_cache_needs_no_request(hub, source: str):
    address = str(fetch(source).address)
    hub.requests.clear()
    assert names(fetch(address).directory) == TAKEN
    assert hub.requests == []


def test_what_sentence_transformers_says_of_vectors_is_fetched(hub, source: str, repository, folder: Path):
    (folder / "modules.json").write_text("[]")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode": "cls"}')
    (folder / "2_Dense").mkdir()
    (folder / "2_Dense" / "config.json").write_text("{}")
    repository.commit(folder, "second", "main", "master")
    directory = fetch(source).directory
    assert names(directory) == {*TAKEN, "modules.json", "1_Pooling"}
    assert (directory / "1_Pooling" / "config.json").read_text() == '{"pooling_mode": "cls"}'
