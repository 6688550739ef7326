"""Checks Python, packages, devices, the native loader and the plugins."""

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from kerasbert import __version__
from kerasbert.doctor.finding import Finding
from kerasbert.doctor.gpu import examine_gpus
from kerasbert.hub import list_backbones
from kerasbert.native.session import NativeError, library_version
from kerasbert.tasks import list_tasks

_PACKAGES = ("tensorflow", "tensorflow-text", "keras", "keras-nlp", "tensorflow-serving-api")
_SERVE = ("starlette", "uvicorn", "grpcio-health-checking", "grpcio-reflection", "prometheus-client")


def examine() -> list[Finding]:
    """Checks Python, packages, devices, the native loader and the plugins."""
    findings = [
        Finding("kerasbert", __version__),
        Finding("python", f"{platform.python_version()} on {platform.platform()}", _python_fits()),
        *map(_package, _PACKAGES),
        _serve(),
        *examine_gpus(),
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
    findings += [
        Finding(
            "encoder", f"{entry.name} ({entry.distribution}): {entry.error or 'is there'}", not entry.error
        )
        for entry in list_backbones()
    ]
    return findings


def _python_fits() -> bool:
    return (3, 11) <= sys.version_info[:2] <= (3, 13)


def _package(name: str) -> Finding:
    try:
        return Finding("package", f"{name} {version(name)}")
    except PackageNotFoundError:
        return Finding("package", f"{name} is not installed", ok=False)


def _serve() -> Finding:
    """Checks the optional packages of `kerasbert serve`, which training and export do not need."""
    missing = [name for name in _SERVE if not _package(name).ok]
    if missing:
        lacks = f"kerasbert serve lacks {', '.join(missing)}: pip install 'kerasbert[serve]'"
        return Finding("serve", lacks)
    return Finding("serve", "kerasbert serve has what it needs")


def _native_loader() -> Finding:
    try:
        return Finding("native", f"TensorFlow's C library {library_version()} verifies exports")
    except NativeError as error:
        return Finding("native", str(error), ok=False)
