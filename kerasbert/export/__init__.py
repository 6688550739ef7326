"""From a run directory to a verified SavedModel for TensorFlow Serving."""

from kerasbert.export.native import NativeModel
from kerasbert.export.publish import Published, export_model

__all__ = ["NativeModel", "Published", "export_model"]
