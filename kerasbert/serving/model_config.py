"""TensorFlow Serving's configuration file of the versions to serve and their labels."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kerasbert.deployment import ServedVersions, read_server_config
from kerasbert.errors import UserError


@dataclass(frozen=True)
class ModelConfig:
    """Which versions of a model to serve. Default: the highest one, without labels."""

    versions: frozenset[int] | None = None  # None: the highest `latest`
    latest: int | None = 1  # None: all
    labels: Mapping[str, int] = field(default_factory=dict)

    def choose(self, present: Iterable[int]) -> set[int]:
        """Returns the versions among `present` to serve."""
        if self.versions is not None:
            return set(present) & self.versions
        return set(sorted(present, reverse=True)[: self.latest])


def read_own_config(model_dir: Path) -> ModelConfig:
    """Reads `MODEL_DIR/serving/models.config`; without the file, the highest version is served.

    Raises:
        UserError: the file is not the configuration of a single model.
    """
    served = ServedVersions(model_dir)
    return _of_entry(served.config) if served.exists else ModelConfig()


def read_models_config(path: Path, name: str) -> ModelConfig:
    """Reads a file in the format of `--model_config_file`.

    `base_path` is ignored: it is a path on the production server.

    Args:
        path: the file.
        name: the model whose entry to use.

    Raises:
        UserError: the file cannot be read or parsed, or has no entry with this name.
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
