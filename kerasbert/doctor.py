"""What a training and an export need of this machine."""

import platform
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import tensorflow as tf

from kerasbert import __version__
from kerasbert.native.session import NativeError, library_version
from kerasbert.tasks import list_tasks

_PACKAGES = ("tensorflow", "tensorflow-text", "keras", "keras-nlp", "tensorflow-serving-api")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    detail: str
    ok: bool = True


def examine() -> list[Finding]:
    """Looks at Python, packages, devices, the native loader and the plugins."""
    findings = [
        Finding("kerasbert", __version__),
        Finding("python", f"{platform.python_version()} on {platform.platform()}", _python_fits()),
        *map(_package, _PACKAGES),
        _devices(),
        _native_loader(),
    ]
    findings += [
        Finding(
            "task",
            f"{entry.name} ({entry.distribution}): {entry.error or 'loads'}",
            not entry.error,
        )
        for entry in list_tasks()
    ]
    return findings


def _python_fits() -> bool:
    return (3, 11) <= sys.version_info[:2] <= (3, 13)


def _package(name: str) -> Finding:
    try:
        return Finding("package", f"{name} {version(name)}")
    except PackageNotFoundError:
        return Finding("package", f"{name} is not installed", ok=False)


def _devices() -> Finding:
    gpus = [device.name for device in tf.config.list_physical_devices("GPU")]
    if gpus:
        return Finding("devices", f"{len(gpus)} GPU(s): {', '.join(gpus)}")
    built = "this TensorFlow supports GPUs" if tf.test.is_built_with_cuda() else "a CPU build"
    return Finding("devices", f"no GPU ({built}); training runs on the CPU")


def _native_loader() -> Finding:
    try:
        return Finding("native", f"TensorFlow's C library {library_version()} verifies exports")
    except NativeError as error:
        return Finding("native", str(error), ok=False)
