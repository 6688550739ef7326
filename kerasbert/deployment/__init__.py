"""What stands around the exported versions: which ones are served, and the files that a server needs.

The package imports no TensorFlow.
"""

from kerasbert.deployment.folders import is_version, version_folders
from kerasbert.deployment.served_versions import ServedVersions, changing, config_path, read_server_config
from kerasbert.deployment.server_files import Memory, write_server_files
from kerasbert.deployment.versions import list_versions, prune

__all__ = [
    "Memory",
    "ServedVersions",
    "changing",
    "config_path",
    "is_version",
    "list_versions",
    "prune",
    "read_server_config",
    "version_folders",
    "write_server_files",
]
