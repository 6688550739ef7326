"""Running the command line: in this process where that is enough, as a process where it matters."""

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kerasbert.cli import main
from kerasbert.predictors import open_model

COMMAND = Path(sys.executable).with_name("kerasbert")


def clean_environment() -> dict[str, str]:
    """What a user has: none of the switches that the tests set for themselves."""
    ours = ("TF_CPP_MIN_LOG_LEVEL", "CUDA_VISIBLE_DEVICES")
    return {name: value for name, value in os.environ.items() if name not in ours}


@pytest.fixture(scope="session")
def kerasbert():
    """Runs the command in this process."""

    def run(*arguments, stdin: str | bytes = b"") -> Result:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture(scope="session")
def process():
    """Starts the command as a user would."""

    def start(*arguments, cwd: Path | None = None, **settings) -> subprocess.Popen:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        command = [str(COMMAND), *map(str, arguments)]
        return subprocess.Popen(command, env=clean_environment(), cwd=cwd, **{**pipes, **settings})

    return start


@pytest.fixture
def refused(kerasbert, tmp_path: Path):
    """Runs a command that must be refused in one line, and returns the line."""

    def run(*arguments, stdin: bytes = b"", lines: int = 1) -> str:
        before = sorted(tmp_path.rglob("*"))
        result = kerasbert(*arguments, stdin=stdin)
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
        errors = result.stderr.splitlines()
        assert len(errors) == lines, result.stderr
        assert all(line.startswith("Error: ") for line in errors)
        assert "Traceback" not in result.stderr
        assert sorted(tmp_path.rglob("*")) == before
        return result.stderr

    return run


@pytest.fixture
def opened_once(monkeypatch: pytest.MonkeyPatch, trained):
    """Opening the trained run costs a second; here it is open already. Returns its path."""

    def cached(path):
        return trained.model if Path(path) == trained.run.path else open_model(path)

    for module in ("kerasbert.predictors", "kerasbert.predictors.open", "kerasbert.evaluation.evaluate"):
        monkeypatch.setattr(importlib.import_module(module), "open_model", cached)
    return trained.run.path


@pytest.fixture
def run_copy(trained, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained.run.path, tmp_path / "run"))


@pytest.fixture
def config_file(tmp_path: Path, reviews_file: Path):
    """Writes a tiny configuration and returns its path."""

    def write(*lines: str, train: Path | str = reviews_file) -> Path:
        path = tmp_path / "config.yaml"
        sizes = "{num_layers: 1, hidden_dim: 16, num_heads: 2, intermediate_dim: 32}"
        settings = "{epochs: 2, batch_size: 8, max_length: 16, learning_rate: 0.003}"
        fixed = (f"data: {{train: {train}}}", f"backbone: {sizes}", f"training: {settings}")
        path.write_text("\n".join(lines or fixed) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def write(tmp_path: Path):
    def make(name: str, lines: Sequence[str]) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return path

    return make
