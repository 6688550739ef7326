"""Importing TensorFlow without its start-up messages."""

import contextlib
import importlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator

# Keras imports them, if it can, for parts of it that no command uses.
_FOR_OTHER_USES = ("matplotlib", "pandas", "sklearn")


@contextlib.contextmanager
def quiet_import() -> Iterator[None]:
    """Captures what C++ code writes to stderr inside the block; prints it if the block fails.

    TensorFlow prints its first lines before its log level takes effect. Set TF_CPP_MIN_LOG_LEVEL=0 in the
    environment to see the rest.
    """
    if "tensorflow" in sys.modules:  # already imported, with its own settings
        yield
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    # They warn about each loaded function with a gradient and each retracing.
    for name in ("absl", "tensorflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with _captured_stderr() if sys.stderr is not None else contextlib.nullcontext():  # None: it is closed
        yield


@contextlib.contextmanager
def _captured_stderr() -> Iterator[None]:
    sys.stderr.flush()
    original = os.dup(2)
    with tempfile.TemporaryFile() as captured:
        os.dup2(captured.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(original, 2)
            captured.seek(0)
            sys.stderr.write(captured.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(original, 2)
            os.close(original)


def import_keras_for_a_command() -> None:
    """Imports Keras without the libraries of `_FOR_OTHER_USES`, a third of the time.

    For a process that is a command: `keras.wrappers`, for one, does not work in it.
    """
    hidden = [name for name in _FOR_OTHER_USES if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: importing it is an ImportError
    try:
        importlib.import_module("keras")
    finally:
        for name in hidden:
            del sys.modules[name]
