"""Asking a server needs neither TensorFlow nor Keras, and an export no encoder of KerasHub."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import kerasbert
from kerasbert.data import Rows
from kerasbert.errors import CheckpointError, UserError
from kerasbert.layout import EXPORTED_CONFIG, EXPORTED_LABELS
from kerasbert.predictors import open_for_few
from kerasbert.training import TrainResult

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


@pytest.mark.slow
@pytest.mark.process
def test_opening_an_export_does_not_import_what_trains(exported: Path):
    command = [sys.executable, "-c", EXPORT, str(exported)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert result.stdout == "True False\n", result.stderr


PREDICT = """
import sys
from kerasbert.cli import main
try:
    main()
finally:
    print(sorted({"tensorflow", "keras", "sklearn", "pandas"} & set(sys.modules)))
"""


@pytest.mark.process
def test_predicting_few_texts_with_an_export_does_not_import_tensorflow(exported: Path):
    command = [sys.executable, "-c", PREDICT, "predict", str(exported), "好", ""]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    *answers, imported = result.stdout.splitlines()
    assert imported == "[]", result.stderr
    expected = kerasbert.open_model(exported).predict(["好", ""])
    for answer, other in zip(map(json.loads, answers), expected, strict=True):
        assert answer["label"] == other["label"]
        assert answer["probabilities"] == pytest.approx(other["probabilities"], abs=2e-6)


@pytest.mark.process
def test_predicting_few_texts_with_a_run_imports_only_what_it_needs_of_keras(trained: TrainResult):
    run, texts = str(trained.run.path), ["好", ""]
    command = [sys.executable, "-c", PREDICT, "predict", run, *texts]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    *answers, imported = result.stdout.splitlines()
    assert imported == "['keras', 'tensorflow']", result.stderr
    expected = kerasbert.open_model(run).predict(texts)
    for answer, other in zip(map(json.loads, answers), expected, strict=True):
        assert answer["label"] == other["label"]
        assert answer["probabilities"] == pytest.approx(other["probabilities"], abs=2e-6)


def test_the_early_answers_of_a_run_are_its_usual_ones(trained: TrainResult, reviews: Rows):
    few, usual = open_for_few(str(trained.run.path)), trained.model
    texts = reviews.texts[:3]
    np.testing.assert_allclose(few.predict_proba(texts), usual.predict_proba(texts), atol=1e-6)
    for one, other in zip(few.explain(texts), usual.explain(texts), strict=True):
        assert one["label"] == other["label"]
        ones, others = ([word["attribution"] for word in each["words"]] for each in (one, other))
        np.testing.assert_allclose(ones, others, atol=1e-4)
    with pytest.raises(UserError, match="must be one of"):
        few.explain(texts, label="unknown")


@pytest.mark.process
def test_an_export_that_the_native_loader_cannot_load_is_refused_as_ever(exported: Path, tmp_path: Path):
    damaged = shutil.copytree(exported, tmp_path / "1")
    shutil.rmtree(damaged / "variables")
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        open_for_few(str(damaged))


@pytest.mark.process
def test_the_labels_are_those_of_the_graph(exported: Path, tmp_path: Path):
    version = shutil.copytree(exported, tmp_path / "1")
    (version / EXPORTED_LABELS).write_text("another\n", encoding="utf-8")
    assert open_for_few(str(version)).labels == kerasbert.open_model(exported).labels


@pytest.mark.process
def test_a_foreign_saved_model_is_refused_as_ever(exported: Path, tmp_path: Path):
    version, module = tmp_path / "1", tf.Module()
    double = tf.function(lambda x: {"y": 2 * x}, input_signature=[tf.TensorSpec([None])])
    tf.saved_model.save(module, str(version), {"serving_default": double})
    (version / EXPORTED_CONFIG).parent.mkdir(exist_ok=True)
    shutil.copy(exported / EXPORTED_CONFIG, version / EXPORTED_CONFIG)
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        open_for_few(str(version))


def test_asking_a_server_from_the_command_line_imports_no_tensorflow():
    command = [sys.executable, "-c", PREDICT, "predict", "http://127.0.0.1:9/v1/models/nothing", "好"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.stdout == "[]\n"
