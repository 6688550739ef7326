import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from kerasbert.checkpoints import RunDirectory
from kerasbert.errors import CheckpointError, UserError, VocabularyError
from kerasbert.models import TextClassifier
from kerasbert.tasks import get_task
from kerasbert.text import Vocabulary, WordPieceVocabulary
from kerasbert.training import TrainResult

TEXTS = ("手机很好", "酒店太差", "", "早餐难吃，快递不错")


@pytest.fixture
def run(trained: TrainResult, tmp_path: Path) -> RunDirectory:
    """A copy of a finished run, to be damaged."""
    shutil.copytree(trained.run.path, tmp_path / "copy")
    return RunDirectory(tmp_path / "copy")


def replace_weights(run: RunDirectory, **sizes: int) -> None:
    """Puts weights of a backbone of other sizes beside the same vocabulary and labels."""
    config = run.load_config()
    for name, size in sizes.items():
        setattr(config.backbone, name, size)
    vocabulary = WordPieceVocabulary.load(run.vocabulary)
    labels = run.labels.read_text(encoding="utf-8").split()
    classifier = TextClassifier(config, get_task(config.task)(labels), vocabulary)
    run.save_weights(classifier.model, vocabulary, labels)


def test_a_loaded_run_answers_as_the_trained_model(trained: TrainResult, run: RunDirectory):
    before, after = trained.classifier.predict(TEXTS), run.load().predict(TEXTS)
    assert before.keys() == after.keys()
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value)


def test_loading_does_not_depend_on_the_random_state(run: RunDirectory):
    one, two = run.load().model.get_weights(), run.load().model.get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def test_a_run_holds_what_the_design_says(run: RunDirectory):
    names = {path.name for path in run.path.iterdir()}
    assert {
        "config.yaml", "vocab.txt", "labels.txt", "model.weights.h5", "history.jsonl", "metrics.json",
        "MODEL_CARD.md", "tensorboard",
    } <= names  # fmt: skip
    assert not [name for name in names if name.startswith(".")], "a temporary file was left"


@pytest.mark.parametrize("kept", [0, 100, 0.5, -1])
def test_cut_weights_are_refused(run: RunDirectory, kept: float):
    content = run.weights.read_bytes()
    run.weights.write_bytes(content[: int(kept * len(content)) if isinstance(kept, float) else kept])
    with pytest.raises(CheckpointError, match=r"copy/model\.weights\.h5: is damaged or cut short"):
        run.load()


def test_missing_weights_are_refused(run: RunDirectory):
    run.weights.unlink()
    with pytest.raises(CheckpointError, match=r"copy/model\.weights\.h5: no such"):
        run.load()


def test_an_unfinished_run_is_refused(run: RunDirectory):
    run.metrics.unlink()
    with pytest.raises(CheckpointError, match=r"copy: this training did not finish\. Continue") as refused:
        run.load()
    assert str(refused.value).endswith(f"kerasbert train {run.config} --resume --output {run.path}")


def swap(path: Path, one: int, two: int) -> None:
    lines = path.read_text(encoding="utf-8").split("\n")
    lines[one], lines[two] = lines[two], lines[one]
    path.write_text("\n".join(lines), encoding="utf-8")


def test_a_reordered_vocabulary_is_refused(run: RunDirectory):
    swap(run.vocabulary, 7, 8)
    with pytest.raises(CheckpointError, match=r"copy/model\.weights\.h5: does not match vocab\.txt"):
        run.load()


def test_the_vocabulary_of_another_model_is_refused(run: RunDirectory, vocabulary: Vocabulary):
    vocabulary.save(run.vocabulary)
    with pytest.raises(CheckpointError, match=r"copy/model\.weights\.h5: does not match vocab\.txt"):
        run.load()


def test_one_edited_token_is_refused(run: RunDirectory):
    text = run.vocabulary.read_text(encoding="utf-8")
    run.vocabulary.write_text(text.replace("\n手\n", "\n足\n"), encoding="utf-8")
    assert run.vocabulary.read_text(encoding="utf-8") != text
    with pytest.raises(CheckpointError, match=r"does not match vocab\.txt"):
        run.load()


def test_a_malformed_vocabulary_is_refused(run: RunDirectory):
    run.vocabulary.write_text("[PAD]\n", encoding="utf-8")
    with pytest.raises(VocabularyError, match=r"copy/vocab\.txt: .*lacks"):
        run.load()


@pytest.mark.parametrize("name", ["vocabulary", "labels"])
def test_a_missing_text_file_is_refused(run: RunDirectory, name: str):
    path: Path = getattr(run, name)
    path.unlink()
    with pytest.raises(UserError, match=rf"copy/{path.name}: cannot be read"):
        run.load()


def test_reordered_labels_are_refused(run: RunDirectory):
    swap(run.labels, 0, 1)
    with pytest.raises(CheckpointError, match=r"copy/model\.weights\.h5: does not match labels\.txt"):
        run.load()


@pytest.mark.parametrize("labels", ["negative\n", "negative\npositive\nneutral\n", "bad\ngood\n", ""])
def test_edited_labels_are_refused(run: RunDirectory, labels: str):
    run.labels.write_text(labels, encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"does not match labels\.txt"):
        run.load()


@pytest.mark.process
def test_line_ends_of_another_system_do_no_harm(run: RunDirectory):
    expected = run.load().predict(TEXTS)["probabilities"]
    for path in (run.vocabulary, run.labels):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    np.testing.assert_array_equal(run.load().predict(TEXTS)["probabilities"], expected)


@pytest.mark.parametrize(
    "sizes",
    [
        {"hidden_dim": 32},
        {"intermediate_dim": 48},
        {"num_heads": 4},
        {"max_positions": 20},
        {"num_layers": 2},
        {"num_layers": 3},
    ],
    ids=str,
)
def test_weights_of_another_size_are_refused(run: RunDirectory, sizes: dict[str, int]):
    replace_weights(run, **sizes)
    with pytest.raises(CheckpointError, match=r"copy/model\.weights\.h5: holds .*of another model"):
        run.load()


def test_weights_of_fewer_layers_are_refused(run: RunDirectory):
    config = run.load_config()
    config.backbone.num_layers = 2
    run.save_config(config)
    with pytest.raises(CheckpointError, match=r"copy/model\.weights\.h5: holds .*of another model"):
        run.load()


def test_weights_of_another_head_are_refused(run: RunDirectory):
    config = run.load_config()
    config.head.pooling = "mean_max"
    run.save_config(config)
    with pytest.raises(CheckpointError, match=r"copy/model\.weights\.h5: holds .*of another model"):
        run.load()


def test_a_weight_too_many_is_refused(run: RunDirectory):
    with h5py.File(run.weights, "a") as file:
        file["layers/surplus/vars/0"] = np.zeros(3, np.float32)
    with pytest.raises(CheckpointError, match=r"copy/model\.weights\.h5: holds .*of another model"):
        run.load()


def datasets(file: h5py.File) -> list[str]:
    names: list[str] = []
    file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    return [name for name in names if "seed_generator" not in name]


def test_any_missing_weight_is_refused(run: RunDirectory, tmp_path: Path):
    with h5py.File(run.weights) as file:
        names = datasets(file)
    classifier = run.load()
    whole = tmp_path / "whole.weights.h5"
    shutil.copy(run.weights, whole)
    for name in names[:: max(len(names) // 6, 1)]:
        shutil.copy(whole, run.weights)
        with h5py.File(run.weights, "a") as file:
            del file[name]
        with pytest.raises(CheckpointError, match="of another model"):
            run.load_weights_into(classifier)


def test_a_renamed_weight_is_refused(run: RunDirectory):
    with h5py.File(run.weights, "a") as file:
        name = datasets(file)[-1]
        file.move(name, "layers/elsewhere/vars/0")
    with pytest.raises(CheckpointError, match="of another model"):
        run.load()


def test_something_else_under_the_name_of_weights_is_refused(run: RunDirectory):
    run.weights.write_text("<html>404</html>", encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"copy/model\.weights\.h5: is damaged"):
        run.load()


def test_a_directory_without_config_is_no_run(tmp_path: Path):
    assert not RunDirectory.is_run(tmp_path)
    with pytest.raises(CheckpointError, match="is not a run directory"):
        RunDirectory(tmp_path).load()


def test_a_wrong_key_in_the_config_is_named(run: RunDirectory):
    run.config.write_text(run.config.read_text(encoding="utf-8") + "surprise: 1\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"copy/config\.yaml: surprise: unknown key"):
        run.load()


def test_a_failed_write_keeps_the_old_weights(run: RunDirectory, trained: TrainResult, monkeypatch):
    before = run.weights.read_bytes()

    def fail(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kerasbert.files.os.fsync", fail)
    with pytest.raises(UserError, match=r"model\.weights\.h5: cannot be written \(No space left on device\)"):
        run.save_weights(trained.classifier.model, trained.prepared.vocabulary, trained.classifier.labels)
    assert run.weights.read_bytes() == before
    assert not list(run.path.glob(".*"))


def test_create_takes_a_new_or_an_empty_directory(tmp_path: Path):
    RunDirectory(tmp_path / "a" / "b").create()
    RunDirectory(tmp_path / "a" / "b").create()
    assert (tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize("kind", ["file", "full"])
def test_create_refuses_what_exists(tmp_path: Path, kind: str):
    path = tmp_path / "run"
    if kind == "file":
        path.write_text("mine")
    else:
        path.mkdir()
        (path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match=r"run: exists already"):
        RunDirectory(path).create()


def test_metrics_survive_their_file(run: RunDirectory, trained: TrainResult):
    assert json.loads(run.metrics.read_text(encoding="utf-8")) == trained.metrics
