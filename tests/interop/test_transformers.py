"""The same numbers as Transformers, from the same files, both ways."""

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import tensorflow as tf
from click.testing import CliRunner

from kerasbert.checkpoints import RunDirectory, export_run, import_checkpoint, open_source
from kerasbert.cli import main
from kerasbert.config import dump_yaml
from kerasbert.models.pretraining import build_pretraining_model
from kerasbert.text import TextGraph
from kerasbert.training import TrainResult, prepare, train

pytestmark = pytest.mark.process

CLOSE = {"rtol": 0, "atol": 2e-5}
ENGLISH = (
    "The room was clean, and the service wasn't bad at all!",
    "Je suis allé au café: très déçu (12.50 € for nothing).",
    "Short.",
)
SECOND = (
    "Would you go again?",
    "No.",
    "A much longer second sentence, so that the padding differs from row to row.",
)


def pack(source, texts, pairs=None) -> dict[str, tf.Tensor]:
    graph = TextGraph(source.vocabulary, max_length=32, **source.text)
    return graph(tf.constant(texts), None if pairs is None else tf.constant(pairs))


def assert_same_encoding(encoded, expected, inputs) -> None:
    """On padding there is nothing to agree about."""
    real = inputs["padding_mask"].numpy().astype(bool)
    np.testing.assert_allclose(
        encoded["sequence_output"].numpy()[real], expected["last_hidden_state"][real], **CLOSE
    )
    np.testing.assert_allclose(encoded["pooled_output"], expected["pooler_output"], **CLOSE)


@pytest.mark.parametrize("pairs", [None, SECOND], ids=["single", "pairs"])
def test_a_real_bert_gives_their_hidden_states(transformers, minilm, ask, pairs):
    source = open_source(str(minilm))
    inputs = pack(source, ENGLISH, pairs)
    assert not inputs["padding_mask"].numpy().all()
    assert_same_encoding(
        source.backbone(inputs), ask(transformers.BertModel.from_pretrained(minilm), inputs), inputs
    )


def test_a_real_bert_gives_their_token_ids(transformers, minilm):
    source = open_source(str(minilm))
    theirs = transformers.AutoTokenizer.from_pretrained(minilm)(
        list(ENGLISH), list(SECOND), padding="longest"
    )
    ours = pack(source, ENGLISH, SECOND)
    length = len(theirs["input_ids"][0])
    assert ours["token_ids"].numpy()[:, :length].tolist() == theirs["input_ids"]
    assert ours["segment_ids"].numpy()[:, :length].tolist() == theirs["token_type_ids"]


@pytest.mark.parametrize("activation", ["gelu", "gelu_new", "gelu_pytorch_tanh"])
@pytest.mark.parametrize(
    "shape",
    [
        {"heads": 1, "hidden": 8, "layers": 1},
        {"heads": 3, "hidden": 24},
        {"heads": 4, "hidden": 64, "layers": 3},
    ],
    ids=str,
)
def test_random_berts_give_their_hidden_states(random_bert, ask, texts, activation: str, shape: dict):
    model, directory = random_bert("BertModel", activation, **shape)
    source = open_source(str(directory))
    for inputs in (pack(source, *texts), pack(source, texts[0])):
        assert_same_encoding(source.backbone(inputs), ask(model, inputs), inputs)


def test_the_two_gelus_are_told_apart(random_bert, ask, texts):
    model, directory = random_bert("BertModel", "gelu")
    values = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps({**values, "hidden_act": "gelu_new"}))
    source = open_source(str(directory))
    inputs = pack(source, *texts)
    with pytest.raises(AssertionError):
        assert_same_encoding(source.backbone(inputs), ask(model, inputs), inputs)


@pytest.mark.parametrize("activation", ["gelu", "gelu_new"])
@pytest.mark.parametrize("architecture", ["BertForPreTraining", "BertForMaskedLM"])
def test_pretraining_heads_give_their_logits(random_bert, ask, texts, architecture: str, activation: str):
    model, directory = random_bert(architecture, activation)
    source = open_source(str(directory))
    both = architecture == "BertForPreTraining"
    ours = build_pretraining_model(source.backbone, source.config, next_sentence=both)
    assert source.copy_heads_to(ours) == (["mlm_head", "nsp_head"] if both else ["mlm_head"])
    inputs = pack(source, *texts)
    batch, length = inputs["token_ids"].shape
    everywhere = tf.tile(tf.range(length)[None], [batch, 1])
    outputs = ours({**inputs, "mask_positions": everywhere})
    expected = ask(model, inputs)
    real = inputs["padding_mask"].numpy().astype(bool)
    logits = expected["prediction_logits" if both else "logits"]
    np.testing.assert_allclose(outputs["mlm"].numpy()[real], logits[real], **CLOSE)
    if both:
        np.testing.assert_allclose(outputs["nsp"], expected["seq_relationship_logits"], **CLOSE)


@pytest.mark.parametrize(
    "architecture", ["BertModel", "BertForMaskedLM", "BertForPreTraining", "BertForSequenceClassification"]
)
def test_what_is_imported_is_bit_equal_and_loads(
    transformers, random_bert, tmp_path: Path, architecture: str
):
    _, directory = random_bert(architecture)
    import_checkpoint(str(directory), tmp_path / "ours")
    theirs, ours = (
        safetensors.numpy.load_file(folder / "model.safetensors") for folder in (directory, tmp_path / "ours")
    )
    if architecture == "BertForSequenceClassification":  # what is imported is its backbone
        architecture = "BertModel"
        theirs = {name.removeprefix("bert."): t for name, t in theirs.items() if "classifier" not in name}
    assert set(ours) == set(theirs)
    assert all(ours[name].tobytes() == theirs[name].tobytes() for name in theirs)
    values = json.loads((tmp_path / "ours" / "config.json").read_text())
    assert values["architectures"] == [architecture]
    _, report = getattr(transformers, architecture).from_pretrained(
        tmp_path / "ours", output_loading_info=True
    )
    assert not any(report.values()), report


def test_a_folder_with_heads_loads_as_a_bare_bert(transformers, random_bert, ask, texts, tmp_path: Path):
    _, directory = random_bert("BertForPreTraining")
    import_checkpoint(str(directory), tmp_path / "ours")
    source = open_source(str(directory))
    inputs = pack(source, *texts)
    model = transformers.BertModel.from_pretrained(tmp_path / "ours")
    assert_same_encoding(source.backbone(inputs), ask(model, inputs), inputs)


def test_float16_files_load_as_what_they_say(torch, transformers, random_bert, ask, texts, tmp_path: Path):
    _, directory = random_bert("BertModel")
    import_checkpoint(str(directory), tmp_path / "ours", dtype="float16")
    model = transformers.BertModel.from_pretrained(tmp_path / "ours")
    assert model.dtype == torch.float16
    source = open_source(str(tmp_path / "ours"))
    inputs = pack(source, *texts)
    assert_same_encoding(source.backbone(inputs), ask(model.float(), inputs), inputs)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_their_half_precision_files_are_read(torch, random_bert, ask, texts, dtype: str):
    model, directory = random_bert("BertModel")
    model.to(getattr(torch, dtype)).save_pretrained(directory)
    source = open_source(str(directory))
    assert source.dtype == dtype
    inputs = pack(source, *texts)
    assert_same_encoding(source.backbone(inputs), ask(model.float(), inputs), inputs)


def test_their_shards_are_read(random_bert, ask, texts):
    model, directory = random_bert("BertModel", hidden=64, heads=4)
    (directory / "model.safetensors").unlink()
    model.save_pretrained(directory, max_shard_size="60KB")
    assert len(list(directory.glob("*.safetensors"))) > 1
    source = open_source(str(directory))
    inputs = pack(source, *texts)
    assert_same_encoding(source.backbone(inputs), ask(model, inputs), inputs)


def learned(tiny_config, activation: str) -> TrainResult:
    """A run whose logits tell the reviews apart, so that a comparison of them means something."""
    config = tiny_config(
        head={"pooling": "cls"},
        backbone={"activation": activation, "num_layers": 2, "hidden_dim": 32},
        training={"epochs": 12, "learning_rate": 5e-3, "monitor": "loss"},
    )
    return train(prepare(config))


@pytest.mark.parametrize("activation", ["gelu", "gelu_tanh"])
def test_an_exported_run_gives_our_logits(transformers, ask, reviews, tiny_config, tmp_path, activation: str):
    result = learned(tiny_config, activation)
    classifier = result.classifier
    export_run(result.run.path, tmp_path / "model")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "model")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "model")
    texts = [row.text for row in reviews.rows]
    inputs = classifier.text_graph(tf.constant(texts))
    theirs = tokenizer(texts, padding="longest")
    length = len(theirs["input_ids"][0])
    assert inputs["token_ids"].numpy()[:, :length].tolist() == theirs["input_ids"]
    logits = classifier.model(inputs).numpy()
    assert np.ptp(logits) > 1  # it has learned something
    np.testing.assert_allclose(ask(model, inputs)["logits"], logits, **CLOSE)

    pipeline = transformers.pipeline("text-classification", model=model, tokenizer=tokenizer, device="cpu")
    ours = classifier.predict(texts[::7])
    for row, label, score in zip(pipeline(texts[::7]), ours["label"], ours["score"], strict=True):
        assert row["label"] == label.decode()
        assert row["score"] == pytest.approx(score, abs=1e-4)

    export_run(result.run.path, tmp_path / "backbone", backbone_only=True)
    backbone = transformers.AutoModel.from_pretrained(tmp_path / "backbone")
    encoded = classifier.model.encoder(inputs)
    assert_same_encoding(encoded, ask(backbone, inputs), inputs)


def test_the_command_trains_from_the_real_bert(minilm, tmp_path: Path):
    rows = ["text,label", *(f"{'good' if n % 2 else 'bad'} thing number {n},{n % 2}" for n in range(16))]
    (tmp_path / "rows.csv").write_text("\n".join(rows), encoding="utf-8")
    values = {
        "data": {"train": str(tmp_path / "rows.csv"), "validation_fraction": 0.25},
        "backbone": {"source": str(minilm)},
        "training": {"epochs": 1, "batch_size": 4, "max_length": 16},
    }
    (tmp_path / "config.yaml").write_text(dump_yaml(values), encoding="utf-8")
    run = tmp_path / "run"
    result = CliRunner().invoke(main, ["train", str(tmp_path / "config.yaml"), "--run-dir", str(run)])
    assert result.exit_code == 0, result.output
    classifier = RunDirectory(run).load()
    assert (classifier.config.backbone.num_layers, classifier.config.backbone.activation) == (6, "gelu")
    before = open_source(str(minilm)).backbone.get_layer("token_embedding").get_weights()[0]
    after = classifier.model.encoder.get_layer("token_embedding").get_weights()[0]
    assert 0 < np.abs(after - before).max() < 0.01
