"""Configuration files for a server, rendered from templates."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

import jinja2

from kerasbert.deployment.served_versions import POLL_SECONDS, STABLE
from kerasbert.files import make_directory, write_text
from kerasbert.layout import SERVING

# See docs/deployment.md for their purpose.
FILES = (
    "batching.config",
    "monitoring.config",
    "nginx.conf",
    "compose.yaml",
    "compose.gpu.yaml",
    "kubernetes.yaml",
    "kubernetes.gpu.yaml",
    "kustomization.yaml",
    "prometheus.yaml",
    "kserve.yaml",
    "config.pbtxt",
)

# stable, previous, canary, and one being loaded.
_VERSIONS_IN_MEMORY = 4
_HEADROOM = 1.25
_STEP = 64  # MiB


@dataclass(frozen=True)
class Memory:
    """Memory of the native process in bytes: before it loaded the model, and at its peak."""

    base: int
    peak: int


def write_server_files(model_dir: Path, name: str, memory: Memory) -> list[Path]:
    """Writes the missing files of `MODEL_DIR/serving`; existing files may have been edited and are kept.

    Args:
        model_dir: contains the versions; mounted as `/models/NAME` in the server.
        name: the model's name in URLs.
        memory: measured memory of the native process that ran the model.

    Returns:
        The files written.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("kerasbert.deployment", "templates"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    make_directory(model_dir / SERVING)
    written = []
    for file in FILES:
        path = model_dir / SERVING / file
        if not path.exists():
            text = environment.get_template(file).render(
                name=name,
                pattern=re.escape(name),
                object=_object_name(name),
                stable=STABLE,
                poll_seconds=POLL_SECONDS,
                memory=memory,
                mebibytes=needed_mebibytes(memory),
            )
            write_text(path, text)
            written.append(path)
    return written


def needed_mebibytes(memory: Memory) -> int:
    """Returns the memory to request in MiB: the measured memory for all loaded versions, plus headroom."""
    needed = memory.base + _VERSIONS_IN_MEMORY * (memory.peak - memory.base)
    return math.ceil(needed * _HEADROOM / 2**20 / _STEP) * _STEP


def _object_name(name: str) -> str:
    """Returns a valid name for Kubernetes: lower-case letters, digits and '-', starting with a letter."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).lstrip("-0123456789")[:50].rstrip("-") or "model"
