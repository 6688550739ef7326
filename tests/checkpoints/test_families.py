"""The table of families: names, configurations and reasons. Their numbers are compared in tests/interop."""

import json
from pathlib import Path

import numpy as np
import pytest

from kerasbert.checkpoints import import_checkpoint, open_source
from kerasbert.checkpoints.families import FAMILIES, REFUSED
from kerasbert.errors import CheckpointError


def test_no_family_is_both_read_and_refused():
    assert not set(FAMILIES) & set(REFUSED)


@pytest.mark.parametrize("model_type", REFUSED)
def test_what_is_refused_is_named_with_the_reason(hugging_face, tensors, model_type: str):
    with pytest.raises(CheckpointError) as caught:
        open_source(str(hugging_face(tensors, model_type=model_type)))
    message = str(caught.value)
    assert f"Received: {model_type!r}. It is not computed as BERT is: {REFUSED[model_type]}." in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("family", "theirs", "usual"),
    [
        ("bert", "embeddings.LayerNorm.weight", "bert.embeddings.LayerNorm.weight"),
        ("bert", "bert.pooler.dense.bias", "bert.pooler.dense.bias"),
        (
            "xlm-roberta",
            "roberta.encoder.layer.11.output.dense.bias",
            "bert.encoder.layer.11.output.dense.bias",
        ),
        ("xlm-roberta", "lm_head.bias", "cls.predictions.bias"),
        ("xlm-roberta", "lm_head.layer_norm.weight", "cls.predictions.transform.LayerNorm.weight"),
        ("roberta", "lm_head.decoder.weight", "cls.predictions.decoder.weight"),
        (
            "distilbert",
            "distilbert.transformer.layer.3.attention.q_lin.weight",
            "bert.encoder.layer.3.attention.self.query.weight",
        ),
        (
            "distilbert",
            "transformer.layer.0.output_layer_norm.bias",
            "bert.encoder.layer.0.output.LayerNorm.bias",
        ),
        ("distilbert", "vocab_projector.bias", "cls.predictions.bias"),
        ("electra", "electra.embeddings.word_embeddings.weight", "bert.embeddings.word_embeddings.weight"),
        ("ernie", "ernie.pooler.dense.weight", "bert.pooler.dense.weight"),
        ("ernie", "bert.pooler.dense.weight", "bert.pooler.dense.weight"),
        ("distilbert", "surprise.q_lin", "surprise.q_lin"),
    ],
)
def test_names_become_berts(family: str, theirs: str, usual: str):
    assert FAMILIES[family].usual_name(theirs) == usual


def test_the_epsilon_of_the_file_is_that_of_the_encoder(hugging_face, tensors):
    source = open_source(str(hugging_face(tensors, layer_norm_eps=1e-5)))
    assert source.config.layer_norm_epsilon == 1e-5
    assert source.backbone.embeddings_layer_norm.epsilon == 1e-5
    layer = source.backbone.transformer_layers[0]
    assert layer._self_attention_layer_norm.epsilon == layer._feedforward_layer_norm.epsilon == 1e-5


def test_positions_before_the_first_token_are_left_out(hugging_face, tensors):
    table = tensors["bert.embeddings.position_embeddings.weight"]
    source = open_source(str(hugging_face(tensors, model_type="xlm-roberta", pad_token_id=3)))
    assert source.config.max_positions == len(table) - 4
    np.testing.assert_array_equal(source.weights["position_embedding/embeddings"], table[4:])
    assert source.format == "Hugging Face folder of XLM-RoBERTa"


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_other_numbers_of_segments_become_two(hugging_face, tensors, rows: int):
    name = "bert.embeddings.token_type_embeddings.weight"
    table = np.arange(24 * rows, dtype=np.float32).reshape(rows, 24)
    expected = {0: np.zeros((2, 24)), 1: table[[0, 0]] if rows else None, 3: table[:2]}[rows]
    tensors = {**tensors, name: table}
    if not rows:
        del tensors[name]
    source = open_source(str(hugging_face(tensors, type_vocab_size=rows)))
    np.testing.assert_array_equal(source.weights["segment_embedding/embeddings"], expected)
    assert any("segment embedding" in note for note in source.notes)


def test_an_import_keeps_the_epsilon(hugging_face, tensors, tmp_path: Path):

    import_checkpoint(str(hugging_face(tensors, layer_norm_eps=1e-5)), tmp_path / "ours")
    assert json.loads((tmp_path / "ours" / "config.json").read_text())["layer_norm_eps"] == 1e-5
    assert open_source(str(tmp_path / "ours")).config.layer_norm_epsilon == 1e-5


@pytest.mark.parametrize("name", ["merges.txt", "bpe.codes", "tokenizer.json"])
def test_byte_pair_encoding_is_refused_by_name(hugging_face, tensors, name: str):
    directory = hugging_face(tensors, model_type="roberta")
    (directory / "vocab.txt").unlink()
    (directory / name).write_text(json.dumps({"model": {"type": "BPE", "vocab": {}, "merges": []}}))
    with pytest.raises(
        CheckpointError, match=rf"byte-pair encoding \({name}\), which kerasbert does not read"
    ):
        open_source(str(directory))
