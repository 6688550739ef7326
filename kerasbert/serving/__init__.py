"""A substitute for TensorFlow Serving, for development and small deployments.

It answers like TensorFlow Serving over REST and gRPC, so that clients work with both. Use TensorFlow
Serving itself in production.
"""

from importlib import import_module
from typing import Any

# The client needs neither TensorFlow nor a server: each name is imported when it is first used.
_HOMES = {
    "Client": "kerasbert.client",
    "Settings": "kerasbert.serving.settings",
    "serve": "kerasbert.serving.server",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'kerasbert.serving' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
