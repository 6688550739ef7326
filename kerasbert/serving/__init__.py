"""A stand-in for TensorFlow Serving, for development and small deployments.

It answers as TensorFlow Serving does, over REST and gRPC, so that a client written against the one
works against the other. Production is TensorFlow Serving itself.
"""

from importlib import import_module
from typing import Any

# The client needs neither TensorFlow nor a server: each name is looked up when it is first used.
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
