"""What stands around the exported versions: which ones are served, and the files that a server needs.

The package imports no TensorFlow.
"""

from kerasbert.deployment.folders import LARGEST_VERSION, version_folders, version_number
from kerasbert.deployment.served_versions import ServedVersions, changing, config_path, read_server_config
from kerasbert.deployment.server_files import Memory, write_server_files
from kerasbert.deployment.versions import list_versions, prune

__all__ = [
    "LARGEST_VERSION",
    "Memory",
    "ServedVersions",
    "changing",
    "config_path",
    "list_versions",
    "prune",
    "read_server_config",
    "version_folders",
    "version_number",
    "write_server_files",
]
