"""Deployment of exported versions: which ones are served, and the files that a server needs.

This package does not import TensorFlow.
"""

from kerasbert.deployment.served_versions import ServedVersions, changing, read_server_config
from kerasbert.deployment.server_files import Memory, write_server_files
from kerasbert.deployment.versions import list_versions, prune

__all__ = [
    "Memory",
    "ServedVersions",
    "changing",
    "list_versions",
    "prune",
    "read_server_config",
    "write_server_files",
]
