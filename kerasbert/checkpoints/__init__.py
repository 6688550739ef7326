"""Reading and writing weights: run directories, backbone sources and Hugging Face folders."""

from kerasbert.checkpoints.convert import describe_source, export_run, import_checkpoint, why_no_export
from kerasbert.checkpoints.hugging_face import save_hugging_face
from kerasbert.checkpoints.run_directory import RunDirectory
from kerasbert.checkpoints.source import BackboneSource, open_source, resolve_backbone
from kerasbert.checkpoints.trim import trim_checkpoint
from kerasbert.checkpoints.weights import load_weights, save_weights

__all__ = [
    "BackboneSource",
    "RunDirectory",
    "describe_source",
    "export_run",
    "import_checkpoint",
    "load_weights",
    "open_source",
    "resolve_backbone",
    "save_hugging_face",
    "save_weights",
    "trim_checkpoint",
    "why_no_export",
]
