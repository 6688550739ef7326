import json
import shutil
from pathlib import Path

import keras_nlp
import numpy as np
import pytest
import safetensors.numpy
import tensorflow as tf

from kerasbert.checkpoints import (
    RunDirectory,
    describe_source,
    export_run,
    import_checkpoint,
    open_source,
    trim_checkpoint,
)
from kerasbert.errors import CheckpointError, UserError
from kerasbert.export import NativeModel, export_model
from kerasbert.hub import find_backbone
from kerasbert.text import SPECIAL_TOKENS
from kerasbert.training import TrainResult, prepare, train


def read(directory: Path, name: str) -> dict:
    return json.loads((directory / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def cls_run(reviews_file: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    """A finished run whose classifier is the one that Transformers knows."""
    from kerasbert.config import Config, parse_config

    values = {
        "data": {"train": str(reviews_file)},
        "run_dir": str(tmp_path_factory.mktemp("cls") / "run"),
        "text": {"ascii_punctuation": True},
        "backbone": {
            "num_layers": 1,
            "hidden_dim": 16,
            "num_heads": 2,
            "intermediate_dim": 32,
            "max_positions": 24,
        },
        "training": {"epochs": 1, "max_length": 16},
    }
    return train(prepare(parse_config(Config, values, where="test")))


def test_an_import_keeps_every_weight(google, tensors, tmp_path: Path):
    assert import_checkpoint(str(google(tensors)), tmp_path / "out") == []
    written = safetensors.numpy.load_file(tmp_path / "out" / "model.safetensors")
    assert set(written) == set(tensors)
    assert all(np.array_equal(written[name], tensors[name]) for name in tensors)


def test_a_folder_without_pooler_stays_without(hugging_face, tensors, tmp_path: Path):
    masked_lm = {name: t for name, t in tensors.items() if "pooler" not in name and "seq_rel" not in name}
    notes = import_checkpoint(str(hugging_face(masked_lm)), tmp_path / "out")
    assert "no pooler" in notes[0]
    assert set(safetensors.numpy.load_file(tmp_path / "out" / "model.safetensors")) == set(masked_lm)
    assert read(tmp_path / "out", "config.json")["architectures"] == ["BertForMaskedLM"]


@pytest.mark.process
def test_a_preset_and_a_run_are_sources_too(trained: TrainResult, tmp_path: Path):
    tokens = [*SPECIAL_TOKENS, *"手机"]
    backbone = keras_nlp.models.BertBackbone(len(tokens), 1, 2, 16, 24, max_sequence_length=20)
    backbone.save_to_preset(str(tmp_path / "preset"))
    keras_nlp.models.BertTokenizer(vocabulary=tokens, lowercase=False).save_to_preset(
        str(tmp_path / "preset")
    )
    for name in (str(tmp_path / "preset"), str(trained.run.path)):
        opened = open_source(name)
        out = tmp_path / Path(name).name / "out"
        import_checkpoint(name, out)
        again = open_source(str(out))
        assert again.format == "Hugging Face folder"
        assert again.config.model_dump(exclude={"source"}) == opened.config.model_dump(exclude={"source"})
        assert again.text["lowercase"] == opened.text["lowercase"]
        assert again.vocabulary.tokens == opened.vocabulary.tokens
        assert all(map(np.array_equal, again.backbone.get_weights(), opened.backbone.get_weights()))


@pytest.mark.parametrize("positions", [8, 20, 47])
def test_positions_are_cut_or_repeated(hugging_face, tensors, tmp_path: Path, positions: int):
    import_checkpoint(str(hugging_face(tensors)), tmp_path / "out", positions=positions)
    opened = open_source(str(tmp_path / "out"))
    table = tensors["bert.embeddings.position_embeddings.weight"]
    np.testing.assert_array_equal(
        opened.weights["position_embedding/embeddings"], np.concatenate([table] * 3)[:positions]
    )
    assert opened.config.max_positions == positions


@pytest.mark.parametrize("positions", [0, -1, 7])
def test_too_few_positions_are_refused(hugging_face, tensors, tmp_path: Path, positions: int):
    with pytest.raises(UserError, match="--positions: must be at least 8"):
        import_checkpoint(str(hugging_face(tensors)), tmp_path / "out", positions=positions)
    assert not (tmp_path / "out").exists()


def test_an_export_is_a_sequence_classifier(cls_run: TrainResult, tmp_path: Path):
    notes = export_run(cls_run.run.path, tmp_path / "out")
    assert "will not map punctuation" in notes[0]
    config, tokenizer = (read(tmp_path / "out", f"{name}.json") for name in ("config", "tokenizer_config"))
    assert config["architectures"] == ["BertForSequenceClassification"]
    assert config["id2label"] == {"0": "negative", "1": "positive"}
    assert config["label2id"] == {"negative": 0, "positive": 1}
    assert config["problem_type"] == "single_label_classification"
    assert (tokenizer["do_lower_case"], tokenizer["model_max_length"]) == (True, 16)
    written = safetensors.numpy.load_file(tmp_path / "out" / "model.safetensors")
    logits = cls_run.classifier.model.head.get_layer("logits")
    np.testing.assert_array_equal(written["classifier.weight"], logits.kernel.numpy().T)
    again = open_source(str(tmp_path / "out"))
    assert again.text == {"lowercase": True, "ascii_punctuation": True}
    assert "classifier" in again.notes[0]


def test_another_pooling_is_refused_but_for_the_backbone(trained: TrainResult, tmp_path: Path):
    with pytest.raises(CheckpointError, match=r"head\.pooling must be cls.*--backbone-only"):
        export_run(trained.run.path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert export_run(trained.run.path, tmp_path / "out", backbone_only=True) == []
    assert read(tmp_path / "out", "config.json")["architectures"] == ["BertModel"]


def test_a_head_of_its_own_is_refused_and_cleaning_is_said(cls_run: TrainResult, tmp_path: Path, monkeypatch):
    task = type(cls_run.classifier.task)
    monkeypatch.setattr(task, "clean", lambda self, text: text)
    assert "will not clean texts" in export_run(cls_run.run.path, tmp_path / "out")[1]
    monkeypatch.setattr(task, "head", lambda self, *arguments: super(task, self).head(*arguments))
    with pytest.raises(CheckpointError, match="has a head of its own"):
        export_run(cls_run.run.path, tmp_path / "other")


@pytest.mark.parametrize("function", [import_checkpoint, export_run])
def test_an_existing_place_is_refused(trained: TrainResult, tmp_path: Path, function):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(UserError, match="exists already"):
        function(str(trained.run.path), tmp_path)


def test_a_pretraining_needs_no_export(hugging_face, tensors, tmp_path: Path):
    directory = hugging_face(tensors)
    (directory / "pretrain.yaml").touch()
    with pytest.raises(CheckpointError, match="is a Hugging Face folder already"):
        export_run(directory, tmp_path / "out")


def test_nothing_is_left_of_a_failed_write(hugging_face, tensors, tmp_path: Path, monkeypatch):
    directory = hugging_face(tensors)

    def fail(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kerasbert.files.os.fsync", fail)
    with pytest.raises(UserError, match="No space left on device"):
        import_checkpoint(str(directory), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == [directory.name]


def test_an_installed_encoder_is_found_by_its_name(hugging_face, tensors, install):
    folder = hugging_face(tensors)
    install("encoder_tiny", f"FOLDER = {str(folder)!r}", "kerasbert.backbones", tiny="encoder_tiny:FOLDER")
    assert describe_source("tiny")["source"] == "tiny"
    assert find_backbone("tiny").parameters == sum(
        tensor.size for name, tensor in tensors.items() if not name.startswith("cls.")
    )


def test_a_source_is_described(hugging_face, tensors):
    found = describe_source(str(hugging_face(tensors)))
    assert found["heads"] == {"mlm_head": True, "nsp_head": True}
    assert found["parameters"] == sum(tensor.size for tensor in tensors.values())


@pytest.mark.slow
@pytest.mark.process
def test_a_training_takes_all_from_a_hugging_face_folder(hugging_face, tensors, tiny_config):
    directory = str(hugging_face(tensors, {"do_lower_case": False}))
    sizes = dict.fromkeys(("num_layers", "hidden_dim", "num_heads", "intermediate_dim"))
    result = train(tiny_config(backbone={"source": directory, "dropout": 0.3, **sizes}))
    backbone = RunDirectory(result.run.path).load_config().backbone
    assert (backbone.source, backbone.dropout, backbone.activation) == (directory, 0.3, "gelu")
    assert backbone.num_layers == 2
    assert result.prepared.config.text.lowercase is False


@pytest.mark.slow
@pytest.mark.process
def test_added_tokens_stay_with_the_model_until_it_serves(
    hugging_face, tensors, trained: TrainResult, tmp_path: Path
):
    """From a folder to a run, to the SavedModel in the native loader, and back to a folder."""
    tokens = trained.prepared.vocabulary.tokens
    added, special = [token for token in tokens if token not in SPECIAL_TOKENS and token[:2] != "##"][-2:]
    run = RunDirectory(shutil.copytree(trained.run.path, tmp_path / "run"))
    config = run.load_config()
    config.text.added_tokens, config.text.special_tokens = [added], [special]
    run.save_config(config)
    classifier = run.load()
    texts = [f"x{added}y {special}", f"{added.upper()}{special}{special}", "", "\uf8ff好"]
    assert classifier.text_graph.tokenize(tf.constant(texts[:1])).to_list()[0].count(tokens.index(added)) == 1
    version = export_model(run.path, tmp_path / "model").path
    batch = np.array([text.encode() for text in texts], object)
    (answer,) = NativeModel(version).run([("serving_default", {"text": batch})])
    np.testing.assert_allclose(answer["probabilities"], classifier.predict(texts)["probabilities"], atol=1e-5)

    export_run(run.path, tmp_path / "folder", backbone_only=True)
    again = open_source(str(tmp_path / "folder"))
    assert again.text == open_source(str(run.path)).text == config.text.tokenization
    assert again.vocabulary.tokens == tokens
    (tmp_path / "texts.txt").write_text("好", encoding="utf-8")
    trim_checkpoint(str(run.path), tmp_path / "small", [str(tmp_path / "texts.txt")])
    assert open_source(str(tmp_path / "small")).text == again.text


def test_a_run_from_before_activation_and_monitor_could_be_chosen_loads_as_it_was(
    trained: TrainResult, tmp_path: Path
):
    run = RunDirectory(shutil.copytree(trained.run.path, tmp_path / "run"))
    text = run.config.read_text(encoding="utf-8")
    run.config.write_text(
        text.replace("  activation: gelu_tanh\n", "").replace("  monitor: macro_f1\n", ""), encoding="utf-8"
    )
    assert run.config.read_text(encoding="utf-8") != text
    classifier = run.load()
    assert classifier.config.backbone.activation == "gelu_tanh"
    expected = trained.classifier.predict(["手机很好"])["probabilities"]
    np.testing.assert_array_equal(classifier.predict(["手机很好"])["probabilities"], expected)
    assert open_source(str(run.path)).config.activation == "gelu_tanh"
