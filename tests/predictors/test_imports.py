"""Asking a server needs neither TensorFlow nor Keras, and an export no encoder of KerasHub."""

import subprocess
import sys
from pathlib import Path

import pytest

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


EXPORT = """
import sys
from kerasbert.predictors import open_model
model = open_model(sys.argv[1])
print(model.predict(["好"])[0]["label"] in model.labels, "keras_nlp" in sys.modules)
"""


@pytest.mark.process
def test_opening_an_export_does_not_import_what_trains(exported: Path):
    command = [sys.executable, "-c", EXPORT, str(exported)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert result.stdout == "True False\n", result.stderr
