"""Importing TensorFlow without its start-up messages."""

import contextlib
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator

import absl.logging


@contextlib.contextmanager
def quiet_import() -> Iterator[None]:
    """Holds back what C++ code writes to stderr inside the block; shows it if the block fails.

    The first lines of TensorFlow come before its own log level applies. Its errors reach Python as
    exceptions too; TF_CPP_MIN_LOG_LEVEL=0 in the environment shows all.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    absl.logging.set_verbosity(absl.logging.ERROR)  # a warning for each loaded function with a gradient
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    if sys.stderr is None:  # closed: nothing to hold back
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(kept, 2)
            held.seek(0)
            sys.stderr.write(held.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
