"""Importing TensorFlow without its start-up messages."""

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def quiet_import() -> Iterator[None]:
    """Holds back what C++ code writes to stderr inside the block; shows it if the block fails.

    The first lines of TensorFlow come before its own log level applies. Its errors reach Python as
    exceptions too; TF_CPP_MIN_LOG_LEVEL=0 in the environment shows all but those first lines.
    """
    if "tensorflow" in sys.modules:  # whoever imported it has chosen
        yield
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    # A warning for each loaded function with a gradient, and for each function that is traced anew.
    for name in ("absl", "tensorflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with _held_back() if sys.stderr is not None else contextlib.nullcontext():  # None: it is closed
        yield


@contextlib.contextmanager
def _held_back() -> Iterator[None]:
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
