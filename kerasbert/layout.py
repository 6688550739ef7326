"""The layout of a run directory, and of a model directory, which contains the exported versions of one model.

RUN/config.yaml, RUN/metrics.json               the resolved configuration; the metrics, written last
MODEL_DIR/VERSION/saved_model.pb, variables/    the model that a server loads
MODEL_DIR/VERSION/assets.extra/                 ignored by a server, except for the warm-up requests
MODEL_DIR/serving/                              configuration files of the server
"""

from pathlib import Path

from kerasbert.errors import CheckpointError, UserError

# In a run directory.
RUN_CONFIG = "config.yaml"
RUN_METRICS = "metrics.json"  # written last: without it the run is unfinished

# Beginnings of the names of the runs that `train --seeds` and `--folds` write, each with its number.
SEED_RUN, FOLD_RUN = "seed-", "fold-"

LARGEST_VERSION = 2**63 - 1  # a version is an int64

# In a version directory.
GRAPH = "saved_model.pb"
EXTRA = "assets.extra"
EXPORTED_CONFIG = f"{EXTRA}/kerasbert.yaml"
EXPORTED_LABELS = f"{EXTRA}/labels.txt"  # also in the graph, but readable without running it
WARMUP_REQUESTS = f"{EXTRA}/tf_serving_warmup_requests"

# In a model directory; not a number, so a server does not treat it as a version.
SERVING = "serving"
MODELS_CONFIG = f"{SERVING}/models.config"


def require_finished(run: Path) -> None:
    """Raises `CheckpointError` if the training of a run directory has not finished."""
    if not (run / RUN_METRICS).is_file():
        raise CheckpointError(
            f"{run}: this training did not finish. Continue with: kerasbert train {run / RUN_CONFIG} "
            f"--resume --output {run}"
        )


def require_no_run(directory: Path) -> None:
    """Raises `UserError` if a report in `directory` would replace files of one run or of several."""
    places = (RUN_CONFIG, f"{SEED_RUN}*/{RUN_CONFIG}", f"{FOLD_RUN}*/{RUN_CONFIG}")
    if any(any(directory.glob(place)) for place in places):
        raise UserError(
            f"{directory}: holds a run, whose files a report would replace. Choose another directory."
        )


def version_number(name: str) -> int | None:
    """Parses the version in the name of a folder or in a URL.

    As in TensorFlow Serving, it consists of decimal digits, with or without leading zeros.

    Returns:
        0 to `LARGEST_VERSION`, or None if `name` is not a version.
    """
    if not (name.isascii() and name.isdigit()):
        return None
    digits = name.lstrip("0") or "0"
    if len(digits) > len(str(LARGEST_VERSION)):  # int() rejects thousands of digits
        return None
    number = int(digits)
    return number if number <= LARGEST_VERSION else None


def version_folders(model_dir: Path) -> dict[int, Path]:
    """Returns the folders of the versions, named like `1` or `00000001`, the oldest first.

    Raises:
        UserError: two folders are the same version.
    """
    folders: dict[int, Path] = {}
    for path in sorted(model_dir.iterdir()) if model_dir.is_dir() else []:
        number = version_number(path.name)
        if number is None or not path.is_dir():
            continue
        if number in folders:
            raise UserError(
                f"{model_dir}: holds version {number} twice, as {folders[number].name} and {path.name}, and "
                "TensorFlow Serving may load either. Move one of them away."
            )
        folders[number] = path
    return dict(sorted(folders.items()))


def is_version(path: Path) -> bool:
    """Whether `path` is a version directory."""
    return (path / GRAPH).is_file()


def require_versions(model_dir: Path) -> dict[int, Path]:
    """Returns the folders of the versions.

    Raises:
        UserError: there is no version, or one exists twice.
    """
    folders = version_folders(model_dir)
    if not folders:
        raise UserError(f"{model_dir}: holds no version. Export one: kerasbert export RUN {model_dir}")
    return folders


def directory_size(directory: Path) -> int:
    """Returns the total size of all files in `directory`, in bytes."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
