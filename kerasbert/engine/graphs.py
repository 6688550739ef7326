"""Frees the graphs that a training has traced."""

import contextlib
import gc
from collections.abc import Iterator

from tensorflow.python.framework import ops


@contextlib.contextmanager
def released_graphs() -> Iterator[None]:
    """Frees the graphs traced inside the block when it ends.

    In a graph `tf.custom_gradient` registers a gradient for each call under a name of its own, and
    TensorFlow 2.21 keeps it for ever, with the graph that it belongs to: tens of MiB a training. After the
    block its models can still be called and differentiated, but not the functions traced in it.
    """
    registered = ops.gradient_registry._registry
    before = set(registered)
    try:
        yield
    finally:
        for name in set(registered) - before:
            if name.startswith("CustomGradient-"):
                del registered[name]
        gc.collect()
