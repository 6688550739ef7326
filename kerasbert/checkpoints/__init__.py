"""Where weights come from and go to: run directories and backbone sources."""

from kerasbert.checkpoints.run_directory import RunDirectory
from kerasbert.checkpoints.source import BackboneSource, open_source
from kerasbert.checkpoints.weights import load_weights, save_weights

__all__ = ["BackboneSource", "RunDirectory", "load_weights", "open_source", "save_weights"]
