"""Runs a SavedModel through TensorFlow's C API, without TensorFlow's Python.

A SavedModel that reloads in Python may still fail in a server, so this uses the same loader as the server.
The package imports neither TensorFlow nor the rest of kerasbert, and runs in a separate process:

    python -m kerasbert.native MODEL_DIR REQUESTS.json ANSWERS.json

Without the files it answers requests line by line, for `kerasbert predict`: TensorFlow's Python takes
seconds to import.
"""
