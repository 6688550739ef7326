"""A small repository on a hub of our own."""

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from ..hub_server import FakeHub, Repository

NAME = "owner/tiny-bert"
TAKEN = {"config.json", "vocab.txt", "tokenizer_config.json", "model.safetensors"}  # of `folder`


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a repository holds, and more than may be fetched."""
    directory = tmp_path / "repository"
    directory.mkdir()
    (directory / "config.json").write_text('{"model_type": "bert"}')
    (directory / "vocab.txt").write_text("[PAD]\n[UNK]\n", encoding="utf-8")
    (directory / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True}))
    weights = {"weight": np.random.default_rng(0).normal(size=(300, 200)).astype(np.float32)}
    safetensors.numpy.save_file(weights, directory / "model.safetensors")
    for name in ("pytorch_model.bin", "modeling_evil.py", "training_args.bin", "README.md", "model.onnx"):
        (directory / name).write_bytes(b"never fetched")
    return directory


@pytest.fixture
def repository(folder: Path) -> Repository:
    repository = Repository()
    repository.commit(folder, "first", "main", "master", "v1.0", "refs/pr/7")
    return repository


@pytest.fixture
def hub(repository: Repository, hubs) -> FakeHub:
    """The hub that hf:// and modelscope:// mean in this test."""
    return hubs({NAME: repository})
