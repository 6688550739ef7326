"""Where encoders come from: the Hugging Face Hub, ModelScope, installed packages."""

from kerasbert.hub.address import Address, is_address, parse_address
from kerasbert.hub.backbones import Backbone, find_backbone, list_backbones
from kerasbert.hub.encoders import LANGUAGES, Encoder, list_encoders
from kerasbert.hub.snapshot import Snapshot, fetch

__all__ = [
    "LANGUAGES",
    "Address",
    "Backbone",
    "Encoder",
    "Snapshot",
    "fetch",
    "find_backbone",
    "is_address",
    "list_backbones",
    "list_encoders",
    "parse_address",
]
