import shutil
from pathlib import Path

import numpy as np
import pytest

from kerasbert import evaluate, export_model, load_config
from kerasbert.errors import AddressError, CheckpointError, PluginError, UserError
from kerasbert.export.native import NativeModel, strings
from kerasbert.predictors import newest_version, open_encoder, open_for_few, open_model
from kerasbert.predictors.native_export import NativeExport
from kerasbert.predictors.saved_model import SavedModel
from kerasbert.predictors.trained import TrainedModel


def version(base: Path, name: str) -> Path:
    (base / name).mkdir(parents=True)
    (base / name / "saved_model.pb").touch()
    return base / name


def test_the_highest_number_is_the_newest_version(tmp_path):
    for name in ("2", "10", "9"):
        version(tmp_path, name)
    assert newest_version(tmp_path).name == "10"


def test_leading_zeros_do_not_hide_a_version(tmp_path):
    version(tmp_path, "9")
    newest = version(tmp_path, "00000010")
    assert newest_version(tmp_path) == newest
    version(tmp_path, "10")
    with pytest.raises(UserError, match="version 10 twice"):
        newest_version(tmp_path)


def test_folders_that_are_no_versions_do_not_count(tmp_path):
    wanted = version(tmp_path, "3")
    for name in (".staging-00000000", "latest", "4-old", "-7", "²"):
        version(tmp_path, name)
    (tmp_path / "99").mkdir()
    (tmp_path / "98").touch()
    assert newest_version(tmp_path) == wanted


def test_a_version_folder_is_its_own_newest_version(tmp_path):
    assert newest_version(version(tmp_path, "5")) == tmp_path / "5"


def test_a_run_directory_opens_as_a_trained_model(trained, reviews):
    opened = open_model(str(trained.run.path))
    assert isinstance(opened, TrainedModel)
    texts = reviews.texts[:5]
    np.testing.assert_array_equal(
        opened.predict_proba(texts), trained.classifier.predict(texts)["probabilities"]
    )


@pytest.mark.process
def test_an_exported_model_has_the_labels_and_configuration_of_its_run(trained, exported):
    opened = open_model(exported.parent)
    assert isinstance(opened, SavedModel)
    assert opened.labels == trained.classifier.labels == ("negative", "positive")
    assert opened.config == trained.run.load_config()


def test_an_exported_model_answers_bytes_and_empty_batches(trained, exported):
    opened = open_model(exported)
    assert opened.predict_batch([])["probabilities"].shape == (0, 2)
    texts = ["手机很好".encode(), b"\xff\x00\xfe", ""]
    expected = trained.classifier.predict(texts)
    answer = opened.predict_batch(texts)
    assert set(answer) == set(expected)
    np.testing.assert_allclose(answer["probabilities"], expected["probabilities"], atol=1e-5, rtol=0)
    assert answer["label"].tolist() == expected["label"].tolist()


def test_a_missing_directory_is_said_to_be_missing(tmp_path):
    with pytest.raises(CheckpointError, match=r"nothing: .*no such directory"):
        open_model(tmp_path / "nothing")


def test_what_is_no_model_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    for name in ("empty", "file"):
        with pytest.raises(CheckpointError, match=f"{name}: must be a run directory or an exported model"):
            open_model(tmp_path / name)


@pytest.mark.parametrize(
    ("given", "message"), [("很" * 100, "is too long for a path"), ("a\0b", "must be a path")]
)
def test_a_text_in_the_place_of_a_path_is_refused(given, message):
    for opens in (open_model, open_encoder):
        with pytest.raises(UserError, match=message):
            opens(given)


def test_no_module_of_the_current_directory_is_run(exported, tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise SystemExit('run')")
    monkeypatch.chdir(tmp_path)
    assert isinstance(open_for_few(str(exported)), NativeExport)
    NativeModel(exported).run([("serving_default", {"text": strings(["好".encode()])})])


@pytest.mark.parametrize("given", [None, 7, b"runs/mine", ["runs/mine"]])
def test_what_is_no_path_is_refused(given, tmp_path):
    message = rf"must be a path \(str or os\.PathLike\)\. Received: {type(given).__name__}\."
    with pytest.raises(UserError, match=f"^path: {message}"):
        open_model(given)
    with pytest.raises(UserError, match=f"^model: {message}"):
        evaluate(given, [("好", "positive")])
    with pytest.raises(UserError, match=f"^run: {message}"):
        export_model(given, tmp_path)
    with pytest.raises(UserError, match=f"^model_dir: {message}"):
        export_model(tmp_path, given)
    with pytest.raises(UserError, match=f"^path: {message}"):
        load_config(given)


def test_the_url_of_a_server_must_be_whole():
    with pytest.raises(AddressError, match="must be http://HOST:8501/v1/models/NAME"):
        open_model("http://localhost:8501")


def test_an_unfinished_run_is_refused(trained, tmp_path):
    run = shutil.copytree(trained.run.path, tmp_path / "run")
    (run / "metrics.json").unlink()
    with pytest.raises(CheckpointError, match="did not finish"):
        open_model(run)


@pytest.fixture
def copy(exported: Path, tmp_path: Path) -> Path:
    return shutil.copytree(exported, tmp_path / "model" / "1")


def test_a_cut_graph_is_refused_in_one_line(copy):
    graph = copy / "saved_model.pb"
    graph.write_bytes(graph.read_bytes()[:1000])
    with pytest.raises(CheckpointError) as caught:
        open_model(copy)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kept", [0, 5000])
@pytest.mark.parametrize("file", ["variables.index", "variables.data-00000-of-00001"])
def test_cut_variables_are_refused_in_one_line(copy, file, kept):
    path = copy / "variables" / file
    path.write_bytes(path.read_bytes()[: min(kept, path.stat().st_size - 1)])
    with pytest.raises(CheckpointError, match="cannot be loaded") as caught:
        open_model(copy)
    assert "\n" not in str(caught.value)


def test_missing_variables_are_refused_in_one_line(copy):
    shutil.rmtree(copy / "variables")
    with pytest.raises(CheckpointError, match="cannot be loaded") as caught:
        open_model(copy)
    assert "\n" not in str(caught.value)


def test_a_saved_model_that_kerasbert_did_not_write_is_refused(copy):
    (copy / "assets.extra" / "kerasbert.yaml").unlink()
    with pytest.raises(UserError, match=r"kerasbert\.yaml: cannot be read"):
        open_model(copy)


def test_a_run_and_its_export_tell_the_same_of_their_data(trained, exported):
    for opened in (trained.model, open_model(exported)):
        assert opened.data == trained.run.load_config().data
        assert opened.label_separator is None


def test_an_exported_model_answers_without_the_plugin_of_its_task(copy):
    settings = copy / "assets.extra" / "kerasbert.yaml"
    text = settings.read_text(encoding="utf-8")
    assert "task: classification" in text
    settings.write_text(text.replace("task: classification", "task: elsewhere"), encoding="utf-8")
    opened = open_model(copy)
    assert opened.predict("好")["label"] in ("negative", "positive")
    with pytest.raises(PluginError, match="elsewhere"):
        _ = opened.label_separator
