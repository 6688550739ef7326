"""The served versions of a model, kept in sync with its directory."""

import contextlib
import gc
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import grpc

from kerasbert.checkpoints import RunDirectory
from kerasbert.errors import UserError
from kerasbert.layout import GRAPH, MODELS_CONFIG, is_version, require_versions, version_folders
from kerasbert.serving.errors import ServingError, invalid
from kerasbert.serving.model_config import ModelConfig, read_models_config, read_own_config
from kerasbert.serving.servable import Servable
from kerasbert.serving.warmup import warm_up

_LOG = logging.getLogger(__name__)
_HISTORY = 100  # number of unloaded versions to remember


@dataclass(frozen=True)
class VersionStatus:
    """The state of a version."""

    state: str  # START, LOADING, AVAILABLE, UNLOADING or END, as in TensorFlow Serving
    error: ServingError | None = None


class Models:
    """Serves a model directory like TensorFlow Serving's default policy.

    A new version is loaded and warmed up next to the old one, then replaces it; the old one is unloaded
    when its requests are done. If a version fails to load, the old one keeps being served.

    Args:
        directory: contains the versions, folders with numeric names.
        name: the name of the model in requests.
        config_file: a `ModelServerConfig` text proto. None: the directory's own `serving/models.config`;
            if that does not exist, the highest version is served without labels.
        poll_interval: seconds between checks of the directory and the file.
        drain: seconds to wait for the requests of a version before it is unloaded.
    """

    def __init__(
        self,
        directory: Path,
        name: str,
        config_file: Path | None = None,
        poll_interval: float = 1.0,
        drain: float = 30.0,
    ):
        self.name = name
        self._directory = directory
        self._config_file = config_file
        self._config_path = config_file or directory / MODELS_CONFIG
        self._poll_interval = poll_interval
        self._drain = drain
        self._config = ModelConfig()
        self._config_stamp: object = ()  # never read
        self._lock = threading.Lock()
        self._available: dict[int, Servable] = {}
        self._statuses: dict[int, VersionStatus] = {}
        self._failed: dict[int, object] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="models", daemon=True)

    def start(self) -> None:
        """Loads the versions to serve, and starts watching the directory.

        Raises:
            UserError: there is no version to serve, or none can be loaded.
        """
        self._read_config()
        _check(self._directory)
        self._update(self._present())
        if not self._available:
            errors = [status.error.message for status in self._statuses.values() if status.error]
            wanted = f"{self._config_path}: names none of the versions in {self._directory}."
            raise UserError(errors[-1] if errors else wanted)
        self._thread.start()

    def close(self) -> None:
        """Stops watching."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(self._poll_interval + 1.0)

    @contextlib.contextmanager
    def use(self, name: str, version: int | None = None, label: str | None = None) -> Iterator[Servable]:
        """Yields the requested version, by default the highest, and keeps it loaded meanwhile.

        Raises:
            ServingError: there is no such version.
        """
        with self._lock:
            servable = self._find(name, version, label)
            servable.in_flight += 1
        try:
            yield servable
        finally:
            with self._lock:
                servable.in_flight -= 1

    def statuses(self, name: str, version: int | None = None) -> dict[int, VersionStatus]:
        """Returns the status of a version, or of all known versions, the highest first.

        Raises:
            ServingError: there is no such version.
        """
        with self._lock:
            statuses = dict(sorted(self._statuses.items(), reverse=True)) if name == self.name else {}
        if version is None:
            if not statuses:
                raise _not_found(f"Could not find any versions of model {name}")
            return statuses
        if version not in statuses:
            raise _not_found(f"Could not find version {version} of model {name}")
        return {version: statuses[version]}

    def _find(self, name: str, version: int | None, label: str | None) -> Servable:
        available = self._available if name == self.name else {}
        if label is not None:
            version = self._config.labels.get(label) if name == self.name else None
            if version not in available:
                raise invalid(f"Unrecognized servable version label: {label}")
        if version is None:
            if not available:
                raise _not_found(f"Servable not found for request: Latest({name})")
            version = max(available)
        if version not in available:
            raise _not_found(f"Servable not found for request: Specific({name}, {version})")
        return available[version]

    def _watch(self) -> None:
        reported = ""
        while not self._stop.wait(self._poll_interval):
            try:
                self._read_config()
                self._update(self._present())
                reported = ""
            except (UserError, OSError) as error:  # keep serving the current versions
                if str(error) != reported:
                    _LOG.warning("%s", error)
                reported = str(error)

    def _read_config(self) -> None:
        stamp = _stamp(self._config_path)
        if stamp != self._config_stamp:
            config = (
                read_models_config(self._config_path, self.name)
                if self._config_file
                else read_own_config(self._directory)
            )
            with self._lock:
                self._config, self._config_stamp = config, stamp

    def _present(self) -> dict[int, Path]:
        if not self._directory.is_dir():  # an unmounted volume must not unload versions
            raise UserError(f"{self._directory}: must be a directory with versions of a model.")
        return version_folders(self._directory)

    def _update(self, present: Mapping[int, Path]) -> None:
        wanted = self._config.choose(present)
        for version in sorted(wanted - self._available.keys()):
            path = present[version]
            stamp = _stamp(path / GRAPH)
            if self._failed.get(version) != (stamp,):
                self._load(version, path, stamp)
        extra = self._available.keys() - wanted
        # Unload a version only after its successor is available.
        if extra and (not wanted or wanted & self._available.keys()):
            for version in sorted(extra):
                self._unload(version)

    def _load(self, version: int, path: Path, stamp: object) -> None:
        self._set(version, VersionStatus("LOADING"))
        try:
            servable = Servable(path)
            warm_up(servable, path)
        except ServingError as error:
            self._failed[version] = (stamp,)
            self._set(version, VersionStatus("END", error))
            _LOG.error("version %s was not loaded: %s", version, error.message)
            return
        # Exclude TensorFlow's million of objects from garbage collection, which would take too long.
        gc.freeze()
        with self._lock:
            self._available[version] = servable
            self._statuses[version] = VersionStatus("AVAILABLE")
        _LOG.info("serving version %s", version)

    def _unload(self, version: int) -> None:
        with self._lock:
            servable = self._available.pop(version)
            self._statuses[version] = VersionStatus("UNLOADING")
        deadline = time.monotonic() + self._drain
        while servable.in_flight and time.monotonic() < deadline:
            time.sleep(0.01)
        del servable
        gc.unfreeze()
        gc.collect()  # TensorFlow's objects have reference cycles
        gc.freeze()
        self._set(version, VersionStatus("END"))

    def _set(self, version: int, status: VersionStatus) -> None:
        with self._lock:
            self._statuses[version] = status
            ended = [number for number, known in self._statuses.items() if known.state == "END"]
            for number in ended[:-_HISTORY]:
                del self._statuses[number]


def _check(directory: Path) -> None:
    if not directory.is_dir():
        raise UserError(f"{directory}: must be a directory with versions of a model.")
    if RunDirectory.is_run(directory):
        raise UserError(
            f"{directory}: is a run, not an export. Export it, then serve MODEL_DIR: kerasbert export "
            f"{directory} MODEL_DIR"
        )
    if is_version(directory):
        raise UserError(f"{directory}: is a version itself. Serve {directory.resolve().parent}.")
    require_versions(directory)


def _not_found(message: str) -> ServingError:
    return ServingError(grpc.StatusCode.NOT_FOUND, message)


def _stamp(path: Path) -> object:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_ino, stat.st_size
