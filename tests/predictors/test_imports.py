"""Asking a server needs neither TensorFlow nor Keras."""

import subprocess
import sys

CODE = """
import sys
from kerasbert.errors import ServerError
from kerasbert.predictors import open_model
try:
    open_model("http://127.0.0.1:9/v1/models/nothing")
except ServerError:
    print(sorted({"tensorflow", "keras", "sklearn"} & set(sys.modules)))
"""


def test_opening_the_url_of_a_server_imports_neither_tensorflow_nor_keras():
    result = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=60)
    assert (result.stdout, result.stderr) == ("[]\n", "")
