import shutil
import threading

import pytest
import tensorflow as tf
from tensorflow_serving.apis import classification_pb2, model_pb2, predict_pb2, prediction_log_pb2

from kerasbert.errors import UserError
from kerasbert.serving.errors import ServingError
from kerasbert.serving.models import Models

from .conftest import eventually, publish

pytestmark = pytest.mark.process


@pytest.fixture
def watch(model_dir):
    """Starts to serve the model directory."""
    started = []

    def start(config_file=None, **settings) -> Models:
        models = Models(model_dir, "m", config_file, poll_interval=0.02, **settings)
        models.start()
        started.append(models)
        return models

    yield start
    for models in started:
        models.close()


def states(models) -> dict[int, str]:
    return {version: status.state for version, status in models.statuses("m").items()}


def served(models, **which) -> int:
    with models.use("m", **which) as servable:
        return servable.version


def write_warmup(version, *logs) -> None:
    path = version / "assets.extra" / "tf_serving_warmup_requests"
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for log in logs:
            writer.write(log.SerializeToString())


def predict_log(signature: str, *texts: str):
    request = predict_pb2.PredictRequest(model_spec=model_pb2.ModelSpec(signature_name=signature))
    request.inputs["text"].CopyFrom(tf.make_tensor_proto(list(texts), tf.string))
    return prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))


def test_a_new_version_takes_the_place_of_the_old_one(watch, model_dir, saved_next):
    models = watch()
    assert served(models) == 1
    publish(model_dir / "10", saved_next)
    eventually(lambda: states(models) == {10: "AVAILABLE", 1: "END"})
    assert served(models) == 10
    with pytest.raises(ServingError, match=r"Specific\(m, 1\)"):
        served(models, version=1)


def test_the_old_version_stays_until_its_requests_are_done(watch, model_dir, saved_next):
    models = watch()
    with models.use("m") as held:
        publish(model_dir / "2", saved_next)
        eventually(lambda: states(models) == {2: "AVAILABLE", 1: "UNLOADING"})
        assert served(models) == 2
        x = {"x": tf.ones([1]).numpy()}
        assert held.run("serving_default", x)["y"].tolist() == [2.5]
    eventually(lambda: states(models)[1] == "END")


def test_a_corrupt_version_leaves_the_old_one(watch, model_dir, saved):
    models = watch()
    publish(model_dir / "2", saved)  # loads at first
    eventually(lambda: states(models) == {2: "AVAILABLE", 1: "END"})
    broken = model_dir / ".3"
    shutil.copytree(saved, broken)
    (broken / "saved_model.pb").write_bytes(b"\xff" * 100)
    broken.rename(model_dir / "3")
    eventually(lambda: states(models).get(3) == "END")
    assert served(models) == 2
    error = models.statuses("m", 3)[3].error
    assert "cannot be loaded" in error.message
    # Mended in place, it is taken.
    shutil.copy(saved / "saved_model.pb", model_dir / "3" / "saved_model.pb")
    eventually(lambda: states(models) == {3: "AVAILABLE", 2: "END", 1: "END"})


def test_a_failing_warm_up_leaves_the_old_one(watch, model_dir, saved):
    models = watch()
    staging = model_dir / ".2"
    shutil.copytree(saved, staging)
    write_warmup(staging, predict_log("texts", "fine"), predict_log("texts", "bad"))
    staging.rename(model_dir / "2")
    eventually(lambda: states(models).get(2) == "END")
    assert served(models) == 1
    assert "the warm-up failed" in models.statuses("m", 2)[2].error.message


def test_a_warm_up_of_every_kind_runs(watch, model_dir):
    request = classification_pb2.ClassificationRequest(
        model_spec=model_pb2.ModelSpec(signature_name="classify")
    )
    request.input.example_list.examples.add()
    classify = prediction_log_pb2.ClassifyLog(request=request)
    logs = predict_log("texts", "a"), prediction_log_pb2.PredictionLog(classify_log=classify)
    write_warmup(model_dir / "1", *logs)
    assert states(watch()) == {1: "AVAILABLE"}


@pytest.mark.parametrize(
    "log",
    [predict_log("missing", "a"), predict_log("serving_default", "a"), prediction_log_pb2.PredictionLog()],
)
def test_a_warm_up_that_does_not_fit_refuses_the_version(watch, model_dir, log):
    write_warmup(model_dir / "1", log)
    with pytest.raises(UserError, match="the warm-up failed"):
        watch()


def test_removing_the_highest_version_goes_back(watch, model_dir, saved):
    publish(model_dir / "2", saved)
    models = watch()
    assert states(models) == {2: "AVAILABLE"}
    shutil.rmtree(model_dir / "2")
    eventually(lambda: states(models) == {2: "END", 1: "AVAILABLE"})
    shutil.rmtree(model_dir / "1")
    eventually(lambda: states(models) == {2: "END", 1: "END"})
    with pytest.raises(ServingError, match=r"Latest\(m\)"):
        served(models)


def test_a_version_is_loaded_from_the_folder_that_names_it_with_zeros_before(watch, model_dir, saved_next):
    (model_dir / "1").rename(model_dir / "00000001")
    models = watch()
    assert served(models) == served(models, version=1) == 1
    publish(model_dir / "00000123", saved_next)
    eventually(lambda: states(models) == {123: "AVAILABLE", 1: "END"})
    with models.use("m") as servable:
        assert servable.run("serving_default", {"x": tf.ones([1]).numpy()})["y"].tolist() == [100.5]


@pytest.mark.parametrize("change", [lambda path: shutil.copytree(path / "1", path / "01"),
                                    lambda path: path.rename(path.with_name("away"))])  # fmt: skip
def test_a_directory_that_cannot_be_understood_leaves_what_is_served(watch, model_dir, change, caplog):
    models = watch()
    change(model_dir)
    eventually(lambda: caplog.records)
    threading.Event().wait(0.2)  # ten looks
    assert served(models) == 1
    assert len(caplog.records) == 1
    with pytest.raises(UserError):
        Models(model_dir, "m").start()


def test_what_is_no_version_is_not_looked_at(watch, model_dir, saved):
    for name in (".staging-5", "5.tmp", "x", "²"):
        shutil.copytree(saved, model_dir / name)
    (model_dir / "7").touch()
    assert states(watch()) == {1: "AVAILABLE"}


def test_a_config_file_chooses_versions_and_labels_and_is_read_again(watch, model_dir, saved, tmp_path):
    publish(model_dir / "2", saved)
    config = tmp_path / "models.config"

    def write(versions, labels) -> None:
        chosen = " ".join(f"versions: {version}" for version in versions)
        named = " ".join(f'version_labels {{ key: "{key}" value: {value} }}' for key, value in labels.items())
        text = (
            f'model_config_list {{ config {{ name: "m" base_path: "/models/m" model_platform: "tensorflow" '
            f"model_version_policy {{ specific {{ {chosen} }} }} {named} }} }}"
        )
        staging = config.with_suffix(".new")
        staging.write_text(text, encoding="utf-8")
        staging.rename(config)

    write([1], {"stable": 1})
    models = watch(config)
    assert states(models) == {1: "AVAILABLE"}
    assert served(models, label="stable") == served(models) == 1
    write([1, 2], {"stable": 1, "canary": 2})
    eventually(lambda: states(models) == {2: "AVAILABLE", 1: "AVAILABLE"})
    assert (served(models, label="stable"), served(models, label="canary"), served(models)) == (1, 2, 2)
    config.write_text("broken {", encoding="utf-8")
    config.touch()
    threading.Event().wait(0.2)
    assert served(models, label="canary") == 2
    write([2], {"stable": 2})
    eventually(lambda: states(models) == {2: "AVAILABLE", 1: "END"})
    assert served(models, label="stable") == 2
    with pytest.raises(ServingError, match="Unrecognized servable version label: canary"):
        served(models, label="canary")


def test_a_label_of_a_version_that_is_not_served_is_unknown(watch, tmp_path):
    config = tmp_path / "models.config"
    config.write_text(
        'model_config_list { config { name: "m" version_labels { key: "next" value: 2 } } }', encoding="utf-8"
    )
    with pytest.raises(ServingError, match="Unrecognized servable version label: next"):
        served(watch(config), label="next")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: shutil.rmtree(path), "must be a directory"),
        (lambda path: shutil.rmtree(path / "1"), "holds no version"),
        (lambda path: (path / "1" / "saved_model.pb").unlink(), "1: cannot be loaded"),
        (lambda path: (path / "1" / "saved_model.pb").write_bytes(b""), "1: cannot be loaded"),
    ],
)
def test_nothing_to_serve_is_said(watch, model_dir, change, message):
    change(model_dir)
    with pytest.raises(UserError, match=message):
        watch()


def test_naming_the_version_itself_is_explained(model_dir):
    with pytest.raises(UserError, match=r"1: is a version itself\. Serve "):
        Models(model_dir / "1", "m").start()
