"""A stand-in for TensorFlow Serving, for development and small deployments.

It answers as TensorFlow Serving does, over REST and gRPC, so that a client written against the one
works against the other. Production is TensorFlow Serving itself.
"""

from kerasbert.serving.server import serve
from kerasbert.serving.settings import Settings

__all__ = ["Settings", "serve"]
