"""The versions that TensorFlow Serving loads and their labels, stored in its `models.config`."""

import contextlib
import re
import time
from collections.abc import Iterator
from pathlib import Path

from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

from kerasbert.errors import UserError
from kerasbert.files import make_directory, wait_for_lock, wrap_read_errors, write_text
from kerasbert.layout import MODELS_CONFIG, require_versions, version_folders

STABLE, CANARY, PREVIOUS = "stable", "canary", "previous"
POLL_SECONDS = 5  # interval at which a server reads models.config

_HEAD = "# Written by `kerasbert export` and `kerasbert versions`, polled by the server. Comments are lost.\n"
_LABEL = re.compile(r"[A-Za-z0-9_.-]+")


class ServedVersions:
    """The versions of a model that are served, and their labels.

    `MODEL_DIR/serving/models.config` is the only state. The label `previous` is the target of a rollback,
    so the server keeps that version loaded.

    Args:
        model_dir: contains the versions.

    Raises:
        UserError: the file exists but is not the configuration of a single model.
    """

    def __init__(self, model_dir: Path):
        self.path = model_dir / MODELS_CONFIG
        self.model_dir = model_dir
        self.exists = self.path.is_file()
        self._proto = read_server_config(self.path) if self.exists else ModelServerConfig()
        if self.exists:
            models = len(self._proto.model_config_list.config)
            if models != 1:
                raise UserError(
                    f"{self.path}: must describe this model only. Received: {models} models. Keep a "
                    "configuration of several models in another file."
                )
            self.config: ModelConfig = self._proto.model_config_list.config[0]
        else:
            name = _model_name(model_dir)
            self.config = self._proto.model_config_list.config.add(
                name=name, base_path=f"/models/{name}", model_platform="tensorflow"
            )
        self.labels: dict[str, int] = dict(self.config.version_labels)
        self._policy = self.config.model_version_policy.WhichOneof("policy_choice")
        self.numbers: set[int] = self._read_numbers()

    @property
    def name(self) -> str:
        """The model's name in URLs."""
        return self.config.name

    def require_changeable(self) -> None:
        """Raises `UserError` if a change would replace a policy that the user chose, `all` or `latest`."""
        if self._policy not in (None, "specific"):
            versions = " ".join(f"versions: {number}" for number in sorted(self.numbers))
            raise UserError(
                f"{self.path}: model_version_policy must be specific to change what is served. Received: "
                f"{self._policy}. To go on with the same versions, write: model_version_policy {{ specific "
                f"{{ {versions} }} }}"
            )

    def labels_of(self, number: int) -> list[str]:
        """Returns the labels that point at a version."""
        return sorted(label for label, version in self.labels.items() if version == number)

    def publish(self, number: int, before: int | None) -> None:
        """Serves a new version: the first one as `stable`, a later one as `canary` if there is none.

        It replaces a version that is served without a label.

        Args:
            number: the new version.
            before: the highest version so far, which a server without labels serves. None: there is none.
        """
        if not self.labels:
            self.labels = {STABLE: number} if before is None else {STABLE: before, CANARY: number}
        elif CANARY not in self.labels:
            self.labels[CANARY] = number
        # Else it is served without a label: a server moves a label only to a version that it has loaded.
        self.numbers = {*self.labels.values(), number}

    def label(self, label: str, number: int) -> None:
        """Points a label at a version.

        Moving `stable` makes the old stable version `previous`, and drops the label `canary` from a
        promoted version.

        Raises:
            UserError: the label is malformed, the version does not exist, or a server would refuse the
                change.
        """
        if number not in version_folders(self.model_dir):
            raise UserError(f"{self.model_dir / str(number)}: there is no such version.")
        if not _LABEL.fullmatch(label):
            raise UserError(f"label: must be letters, digits, '_', '.' and '-'. Received: {label!r}")
        if not self.labels and label != STABLE:
            raise UserError(
                f"{self.path}: no version is {STABLE} yet. Choose one first: kerasbert versions label "
                f"{self.model_dir} {STABLE} VERSION"
            )
        old = self.labels.get(label, number)
        if old != number and number not in self.numbers:
            raise UserError(
                f"version {number} is not served, and a server moves a label only to a version it has "
                f"loaded. First give it a new label, which loads it: kerasbert versions label "
                f"{self.model_dir} next {number}"
            )
        labels = {**self.labels, label: number}
        if label == STABLE:
            if old != number:
                labels[PREVIOUS] = old
            if labels.get(CANARY) == number:
                del labels[CANARY]
        self._set(labels)

    def unlabel(self, label: str) -> None:
        """Removes a label; a version without any label is no longer served.

        Raises:
            UserError: there is no such label, or it is `stable`.
        """
        if label not in self.labels:
            known = ", ".join(sorted(self.labels)) or "none"
            raise UserError(f"label {label!r}: there is no such label. Labels: {known}.")
        if label == STABLE:
            raise UserError(f"label {STABLE!r}: cannot be removed, since clients use it. Move it instead.")
        self._set({name: number for name, number in self.labels.items() if name != label})

    def rollback(self) -> None:
        """Swaps `stable` and `previous`.

        Raises:
            UserError: no version was stable before.
        """
        if PREVIOUS not in self.labels:
            raise UserError(
                f"{self.path}: has no label {PREVIOUS!r}: no other version was stable before. Choose one "
                f"with: kerasbert versions label {self.model_dir} {STABLE} VERSION"
            )
        self.label(STABLE, self.labels[PREVIOUS])

    def save(self) -> None:
        """Writes the file atomically, since servers poll it."""
        self.config.version_labels.clear()
        self.config.version_labels.update(self.labels)
        self.config.model_version_policy.specific.versions[:] = sorted(self.numbers)
        make_directory(self.path.parent)
        write_text(self.path, _HEAD + text_format.MessageToString(self._proto))

    def _read_numbers(self) -> set[int]:
        policy = self.config.model_version_policy
        if not self.exists or self._policy == "specific":
            return set(policy.specific.versions)
        numbers = sorted(version_folders(self.model_dir), reverse=True)
        return set(numbers if self._policy == "all" else numbers[: max(policy.latest.num_versions, 1)])

    def _set(self, labels: dict[str, int]) -> None:
        """Sets the labels. A version that loses its last label is no longer served."""
        self.numbers = (self.numbers - set(self.labels.values())) | set(labels.values())
        self.labels = labels


def read_server_config(path: Path) -> ModelServerConfig:
    """Reads a text proto `ModelServerConfig`, the format of `--model_config_file`.

    Raises:
        UserError: the file cannot be read or parsed.
    """
    with wrap_read_errors(path):
        text = path.read_text(encoding="utf-8")
    try:
        return text_format.Parse(text, ModelServerConfig())
    except text_format.ParseError as error:
        raise UserError(f"{path}: is not a model configuration of TensorFlow Serving ({error}).") from error


@contextlib.contextmanager
def changing(model_dir: Path) -> Iterator[ServedVersions]:
    """Yields the served versions for changes, which are written when the block succeeds.

    A server rejects a configuration that both loads a version and moves a label to it. Therefore each
    state stays in place for at least one poll.

    Raises:
        UserError: `model_dir` contains no version, or `models.config` cannot be read, changed or written.
    """
    require_versions(model_dir)
    with wait_for_lock(model_dir):
        served = ServedVersions(model_dir)
        served.require_changeable()
        if served.exists:
            _wait_for_a_poll(served.path)
        yield served
        served.save()


def _wait_for_a_poll(path: Path) -> None:
    age = time.time() - path.stat().st_mtime
    time.sleep(min(max(POLL_SECONDS + 1 - age, 0), POLL_SECONDS + 1))


def _model_name(model_dir: Path) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", model_dir.resolve().name).strip("-.") or "model"
