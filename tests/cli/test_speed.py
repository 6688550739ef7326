"""Commands that need no model in this process import neither TensorFlow nor Keras."""

import json
import subprocess
import sys

import pytest

_RUN = """
import contextlib, io, json, sys
from kerasbert.cli import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as errors:
    try:
        main(json.loads(sys.argv[1]))
    except SystemExit as end:
        status = end.code
heavy = {"tensorflow", "tensorflow_serving", "keras", "keras_nlp", "sklearn", "matplotlib", "jinja2"}
heavy &= set(sys.modules)
print(json.dumps({"status": status, "heavy": sorted(heavy), "errors": errors.getvalue()}))
"""
URL = "http://127.0.0.1:9/v1/models/none"  # where nobody listens


@pytest.mark.process
@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["plugins", "list"], 0), (["doctor"], 0), (["predict", URL, "text"], 1)],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_nothing_heavy_is_imported(arguments, status):
    command = [sys.executable, "-c", _RUN, json.dumps(arguments)]
    done = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert done["heavy"] == []
    assert done["status"] == status, done["errors"]
