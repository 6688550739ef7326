"""Model directories without models: what stands around the versions does not look into them."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _no_server_polls_here(no_wait: None) -> None:
    pass


@pytest.fixture
def model_dir(tmp_path: Path) -> Path:
    return tmp_path / "reviews"


@pytest.fixture
def add_version(model_dir: Path) -> Callable[[int | str], Path]:
    def add(name: int | str) -> Path:
        folder = model_dir / str(name)
        folder.mkdir(parents=True)
        (folder / "saved_model.pb").write_bytes(b"graph")
        return folder

    return add
