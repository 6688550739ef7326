"""Where encoders come from: the Hugging Face Hub, ModelScope, installed packages."""

from kerasbert.hub.address import Address, is_address, parse_address
from kerasbert.hub.snapshot import Snapshot, fetch

__all__ = ["Address", "Snapshot", "fetch", "is_address", "parse_address"]
