"""Asking a TensorFlow Serving server."""

from kerasbert.client.client import Client

__all__ = ["Client"]
