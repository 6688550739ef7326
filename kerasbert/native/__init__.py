"""Running a SavedModel through TensorFlow's C API, without TensorFlow's Python.

What Python reloads may still fail in a server; this takes the loader that the server takes. The
package imports neither TensorFlow nor the rest of kerasbert, and runs in a process of its own:

    python -m kerasbert.native MODEL_DIR REQUESTS.json ANSWERS.json
"""
