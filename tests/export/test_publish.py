import shutil
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from kerasbert.deployment import Memory, ServedVersions, served_versions
from kerasbert.errors import CheckpointError, ConfigError, ExportError, UserError
from kerasbert.export import NativeModel, export_model, publish

GRAPH = saved_model_pb2.SavedModel(meta_graphs=[{}]).SerializeToString()


@pytest.fixture
def quick(trained, monkeypatch, no_wait):
    """Leaves out what takes long: loading the run, writing a real model and verifying it."""

    class Run:
        def __init__(self, path):
            pass

        def load(self):
            return trained.classifier

    def write(trainer, precision, quantize, signatures, staging):
        (staging / "variables").mkdir(parents=True)
        (staging / "saved_model.pb").write_bytes(GRAPH)
        (staging / "variables" / "variables.index").write_bytes(b"index")

    monkeypatch.setattr(publish, "RunDirectory", Run)
    monkeypatch.setattr(publish, "_write", write)
    monkeypatch.setattr(publish, "verify", lambda *arguments: Memory(10**8, 2 * 10**8))
    return monkeypatch


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_versions_count_up_from_one(quick, tmp_path):
    assert [export_model("run", tmp_path / "deep" / "model").version for _ in range(3)] == [1, 2, 3]
    assert names(tmp_path / "deep" / "model") == ["1", "2", "3", "serving"]


def test_the_next_version_follows_the_highest_number(quick, tmp_path):
    for name in ("2", "10", "readme", "11-old", ".staging-x"):
        (tmp_path / name).mkdir()
    assert export_model("run", tmp_path).path == tmp_path / "11"


def test_a_folder_whose_name_is_no_number_to_a_server_does_not_count(quick, tmp_path):
    (tmp_path / "²").mkdir()
    assert export_model("run", tmp_path).version == 1


@pytest.mark.parametrize("version", [0, 7, 1_700_000_000])
def test_a_version_can_be_chosen(quick, tmp_path, version):
    assert export_model("run", tmp_path, version=version).path == tmp_path / str(version)


def test_a_taken_version_is_refused_and_kept(quick, tmp_path):
    export_model("run", tmp_path, version=3)
    (tmp_path / "3" / "mine").touch()
    with pytest.raises(UserError, match="3: exists already"):
        export_model("run", tmp_path, version=3)
    assert (tmp_path / "3" / "mine").exists()
    assert names(tmp_path) == ["3", "serving"]


def test_a_version_that_is_taken_meanwhile_is_kept(quick, tmp_path):
    def another_export(staging, *_):
        (tmp_path / "1").mkdir()
        (tmp_path / "1" / "theirs").touch()

    quick.setattr(publish, "verify", another_export)
    with pytest.raises(UserError, match="1: cannot be written"):
        export_model("run", tmp_path)
    assert names(tmp_path) == ["1"]
    assert names(tmp_path / "1") == ["theirs"]


@pytest.mark.parametrize("version", [-1, 2**63, 1.5, "3"])
def test_a_number_that_is_no_version_to_a_server_is_refused(quick, tmp_path, version):
    with pytest.raises(
        UserError,
        match=f"version: must be a whole number from 0 to 9223372036854775807. Received: {version!r}",
    ):
        export_model("run", tmp_path, version=version)
    assert names(tmp_path) == []


def test_leading_zeros_make_no_other_version(quick, tmp_path):
    (tmp_path / "00000007").mkdir()
    with pytest.raises(UserError, match="00000007: exists already"):
        export_model("run", tmp_path, version=7)
    assert export_model("run", tmp_path).path == tmp_path / "8"


def test_an_unknown_precision_is_refused(quick, tmp_path):
    with pytest.raises(ConfigError, match="float32, bfloat16"):
        export_model("run", tmp_path / "model", precision="int8")
    assert names(tmp_path) == []


def test_the_version_appears_after_the_verification_only(quick, tmp_path):
    seen = []
    verify = publish.verify

    def look(staging, *_):
        seen.append((names(tmp_path), names(staging)))
        return verify()

    quick.setattr(publish, "verify", look)
    published = export_model("run", tmp_path)
    (before, staged), *_ = seen
    assert len(before) == 1
    assert not before[0][0].isdigit()
    assert staged == names(published.path) == ["assets.extra", "saved_model.pb", "variables"]
    assert names(tmp_path) == ["1", "serving"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ExportError, RuntimeError, OSError])
@pytest.mark.parametrize("step", ["_write", "verify", "_flush"])
def test_no_failure_leaves_anything_behind(quick, tmp_path, step, error):
    def fail(*arguments):
        if step == "_write":
            arguments[-1].mkdir()
            (arguments[-1] / "half").touch()
        raise error("broken")

    quick.setattr(publish, step, fail)
    with pytest.raises((error, UserError)):
        export_model("run", tmp_path)
    assert names(tmp_path) == []


def test_the_size_is_that_of_the_files(quick, trained, tmp_path):
    labels = sum(len(f"{label}\n") for label in trained.classifier.labels)
    assert export_model("run", tmp_path).size == len(GRAPH) + len(b"index") + labels


def test_the_first_version_is_stable_and_the_next_a_canary(quick, tmp_path):
    assert [export_model("run", tmp_path).labels for _ in range(3)] == [["stable"], ["canary"], []]
    served = ServedVersions(tmp_path)
    assert (served.labels, served.numbers) == ({"stable": 1, "canary": 2}, {1, 2, 3})


def test_a_damaged_models_config_is_refused_before_anything_is_written(quick, tmp_path):
    (tmp_path / "serving").mkdir()
    (tmp_path / "serving" / "models.config").write_text("{")
    with pytest.raises(UserError, match=r"models.config: is not a model configuration"):
        export_model("run", tmp_path)
    assert names(tmp_path) == ["serving"]


def test_old_versions_are_removed_unless_a_server_has_them(quick, tmp_path):
    for _ in range(3):
        export_model("run", tmp_path)
    with served_versions.changing(tmp_path) as served:
        served.unlabel("canary")
    # 3 waits without a label: 4 takes its place, but a server may not know yet.
    published = export_model("run", tmp_path, keep=1)
    assert (published.removed, published.labels) == ([2], ["canary"])
    published = export_model("run", tmp_path, keep=1)
    assert published.removed == [3]
    assert names(tmp_path) == ["1", "4", "5", "serving"]


def test_a_version_with_a_low_number_is_not_removed_at_once(quick, tmp_path):
    for version in (7, 8, 9, 3):
        published = export_model("run", tmp_path, version=version, keep=1)
    assert published.removed == []
    assert names(tmp_path) == ["3", "7", "8", "9", "serving"]


def test_what_breaks_users_is_published_only_when_told_so(quick, tmp_path):
    export_model("run", tmp_path)
    labels = tmp_path / "1" / "assets.extra" / "labels.txt"
    labels.write_text("negative\nneutral\npositive\n")
    with pytest.raises(UserError, match=r"not published: users of \S+1 would fail: the labels were"):
        export_model("run", tmp_path)
    assert names(tmp_path) == ["1", "serving"]
    assert export_model("run", tmp_path, allow_breaking=True).version == 2
    assert export_model("run", tmp_path).version == 3  # compared with 2


@pytest.mark.parametrize("model_dir", ["file", "file/below"])
def test_a_place_that_cannot_be_written_is_named(quick, tmp_path, model_dir):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match=f"{model_dir}: cannot be written"):
        export_model("run", tmp_path / model_dir)


def test_an_unfinished_run_is_not_exported(trained, tmp_path):
    run = shutil.copytree(trained.run.path, tmp_path / "run")
    (run / "metrics.json").unlink()
    with pytest.raises(CheckpointError, match="did not finish"):
        export_model(run, tmp_path / "model")
    assert names(tmp_path) == ["run"]


@pytest.mark.slow
@pytest.mark.process
def test_other_weights_than_the_trainers_are_not_published(trained, tmp_path, monkeypatch):
    written = publish._write

    def tamper(trainer, *arguments):
        bias = trainer.model.head.get_layer("logits").bias
        bias.assign_add([0.01, 0.0])
        written(trainer, *arguments)
        bias.assign_sub([0.01, 0.0])

    monkeypatch.setattr(publish, "_write", tamper)
    with pytest.raises(ExportError, match=r"not published: signature .* differs from the trainer's by"):
        export_model(trained.run.path, tmp_path)
    assert names(tmp_path) == []


@pytest.mark.process
def test_a_graph_that_the_native_loader_cannot_run_is_not_published(trained, tmp_path, monkeypatch):
    written = publish._write

    def lose_the_variables(*arguments):
        written(*arguments)
        shutil.rmtree(arguments[-1] / "variables")

    monkeypatch.setattr(publish, "_write", lose_the_variables)
    with pytest.raises(ExportError, match="not published: the native loader refused") as caught:
        export_model(trained.run.path, tmp_path)
    assert "\n" not in str(caught.value)
    assert names(tmp_path) == []


@pytest.mark.parametrize("signatures", ["embed", ["embed", "other"], [None], iter(["embed"])])
def test_signatures_that_are_not_offered_are_refused(tmp_path, signatures):
    with pytest.raises(ConfigError, match=r"signatures: must be a list with some of embed\. Received: "):
        export_model("run", tmp_path / "models", signatures=signatures)
    assert not list(tmp_path.iterdir())


@pytest.mark.process
def test_a_full_disk_is_explained_and_leaves_nothing(trained, tmp_path, largest_file):
    with largest_file(8192), pytest.raises(UserError, match="cannot be written"):
        export_model(trained.run.path, tmp_path)
    assert names(tmp_path) == []


@pytest.mark.process
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_fills_up_at_the_last_file_is_explained(quick, trained, tmp_path):
    def warmup(version, takes_pairs):
        with tf.io.TFRecordWriter("/dev/full") as writer:
            writer.write(b"x" * 100)

    quick.undo()
    quick.setattr(publish, "write_warmup", warmup)
    quick.setattr(tf.saved_model, "save", lambda module, path, signatures, options: Path(path).mkdir())
    with pytest.raises(UserError, match="cannot be written"):
        export_model(trained.run.path, tmp_path)
    assert names(tmp_path) == []


@pytest.mark.process
def test_the_model_answers_after_its_run_is_deleted_and_itself_was_moved(exported, strings):
    assert not (exported.path.parents[1] / "copy").exists()
    texts = ["手机很好", "快递太差"]
    (answer,) = NativeModel(exported.path).run([("serving_default", {"text": strings(texts)})])
    assert answer["label"].tolist() == exported.classifier.predict(texts)["label"].tolist()


def test_nothing_but_the_model_is_in_the_version(exported):
    files = {str(path.relative_to(exported.path)) for path in exported.path.rglob("*") if path.is_file()}
    assert files == {
        "saved_model.pb",
        "fingerprint.pb",
        "variables/variables.index",
        "variables/variables.data-00000-of-00001",
        "assets.extra/kerasbert.yaml",
        "assets.extra/labels.txt",
        "assets.extra/tf_serving_warmup_requests",
    }


@pytest.mark.parametrize("keep", [0, -1, 1.5, True])
def test_what_is_no_number_of_versions_to_keep_is_refused(keep, tmp_path):
    with pytest.raises(UserError, match="keep: must be a whole number from 1 to"):
        export_model("run", tmp_path / "models", keep=keep)
    assert not list(tmp_path.iterdir())
