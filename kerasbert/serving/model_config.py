"""The file that tells TensorFlow Serving which versions to serve, and what they are called."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kerasbert.deployment import ServedVersions, read_server_config
from kerasbert.errors import UserError


@dataclass(frozen=True)
class ModelConfig:
    """Which versions of a model to serve. Without a file: the highest, and no labels."""

    versions: frozenset[int] | None = None  # None: the highest `latest`
    latest: int | None = 1  # None: all
    labels: Mapping[str, int] = field(default_factory=dict)

    def choose(self, present: Iterable[int]) -> set[int]:
        """Returns those of the versions `present` that are to be served."""
        if self.versions is not None:
            return set(present) & self.versions
        return set(sorted(present, reverse=True)[: self.latest])


def read_own_config(model_dir: Path) -> ModelConfig:
    """Returns what `MODEL_DIR/serving/models.config` says; without the file: the highest version.

    Raises:
        UserError: the file is no configuration of one model.
    """
    served = ServedVersions(model_dir)
    return _of_entry(served.config) if served.exists else ModelConfig()


def read_models_config(path: Path, name: str) -> ModelConfig:
    """Reads a file of `--model_config_file`.

    `base_path` is not looked at: it is the place in the production server.

    Args:
        path: the file.
        name: the model whose entry counts.

    Raises:
        UserError: it cannot be read, is no such file, or has no entry of that name.
    """
    entries = {entry.name: entry for entry in read_server_config(path).model_config_list.config}
    if name not in entries:
        received = ", ".join(entries) or "no model"
        raise UserError(f"{path}: must have an entry for the model {name!r}. Received: {received}.")
    return _of_entry(entries[name])


def _of_entry(entry: Any) -> ModelConfig:
    policy = entry.model_version_policy
    kind = policy.WhichOneof("policy_choice")
    versions = frozenset(policy.specific.versions) if kind == "specific" else None
    latest = None if kind == "all" else max(policy.latest.num_versions, 1)
    return ModelConfig(versions, latest, dict(entry.version_labels))
