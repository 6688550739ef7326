"""The interface of a run directory that the engine needs."""

import itertools
import time
from pathlib import Path
from typing import Any, Protocol

from kerasbert.config import OptimizationConfig
from kerasbert.errors import ConfigError


class Run(Protocol):
    """A run directory, as used by the loop."""

    path: Path
    config: Path
    history: Path
    checkpoints: Path
    tensorboard: Path

    def create(self) -> None:
        """Makes the directory, which must be new or empty."""

    def load_config(self) -> Any:
        """Returns the resolved configuration, or raises `CheckpointError`: it is no such run."""


def new_run_dir(name: str, config: OptimizationConfig) -> str:
    """Returns an unused directory for a run called `name`."""
    if config.strategy == "multi_worker":
        raise ConfigError("run_dir: name one; all workers must see the same directory.")
    path = f"runs/{name}-{time.strftime('%Y%m%d-%H%M%S')}"
    # Small trainings in a notebook may start within the same second.
    names = itertools.chain([path], (f"{path}-{number}" for number in itertools.count(2)))
    return next(name for name in names if not Path(name).exists())
