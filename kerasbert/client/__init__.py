"""A client for models behind TensorFlow Serving."""

from kerasbert.client.client import Client

__all__ = ["Client"]
