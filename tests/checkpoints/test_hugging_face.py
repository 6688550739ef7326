import json
import os
import shlex
from pathlib import Path

import keras
import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy

from kerasbert.checkpoints import open_source, save_hugging_face
from kerasbert.config import TextConfig
from kerasbert.errors import CheckpointError, UserError
from kerasbert.models import build_backbone
from kerasbert.models.pretraining import build_pretraining_model

HIDDEN, HEADS = 24, 3
MLM = "cls.predictions."


def only(tensors, *prefixes: str, rename=lambda name: name):
    return {rename(name): tensor for name, tensor in tensors.items() if name.startswith(prefixes)}


def save_source(directory: Path, source, **settings) -> Path:
    """Writes a source with all its heads by `save_hugging_face`."""
    model = build_pretraining_model(source.backbone, source.config, "nsp_head" in source.head_names)
    assert source.copy_heads_to(model) == source.head_names
    save_hugging_face(
        directory, model, source.config, TextConfig(**source.text), source.vocabulary, **settings
    )
    return directory


def test_every_weight_lies_where_keras_has_it(hugging_face, tensors):
    source = open_source(str(hugging_face(tensors)))
    weights = source.weights
    layer = "bert.encoder.layer.1."
    query = tensors[layer + "attention.self.query.weight"]
    attention = "transformer_layer_1/self_attention_layer/"
    np.testing.assert_array_equal(
        weights[attention + "query/kernel"], query.T.reshape(HIDDEN, HEADS, HIDDEN // HEADS)
    )
    np.testing.assert_array_equal(
        weights[attention + "value/bias"], tensors[layer + "attention.self.value.bias"].reshape(HEADS, -1)
    )
    np.testing.assert_array_equal(
        weights[attention + "attention_output/kernel"],
        tensors[layer + "attention.output.dense.weight"].T.reshape(HEADS, HIDDEN // HEADS, HIDDEN),
    )
    np.testing.assert_array_equal(
        weights["transformer_layer_1/feedforward_layer_norm/gamma"],
        tensors[layer + "output.LayerNorm.weight"],
    )
    np.testing.assert_array_equal(weights["nsp_head/kernel"], tensors["cls.seq_relationship.weight"].T)
    assert len(weights) == len(tensors)


def test_what_is_read_and_written_again_is_bit_equal(hugging_face, tensors, tmp_path: Path):
    out = save_source(tmp_path / "out", open_source(str(hugging_face(tensors))))
    written = safetensors.numpy.load_file(out / "model.safetensors")
    assert set(written) == set(tensors)
    assert all(np.array_equal(written[name], tensors[name]) for name in tensors)
    assert json.loads((out / "config.json").read_text())["architectures"] == ["BertForPreTraining"]


def test_a_folder_describes_itself(hugging_face, tensors):
    directory = hugging_face(
        tensors, {"do_lower_case": False, "ascii_punctuation": True}, hidden_act="gelu_new"
    )
    source = open_source(str(directory))
    assert source.format == "Hugging Face folder"
    assert source.text == {"lowercase": False, "ascii_punctuation": True}
    assert source.config.activation == "gelu_tanh"
    assert (source.config.max_positions, source.config.num_heads) == (20, HEADS)
    assert source.head_names == ["mlm_head", "nsp_head"]
    assert source.dtype == "float32"


def test_without_a_tokenizer_file_it_lower_cases_as_transformers_does(hugging_face, tensors):
    assert open_source(str(hugging_face(tensors))).text["lowercase"] is True


def test_older_and_barer_names_are_the_same_weights(hugging_face, tensors):
    expected = open_source(str(hugging_face(tensors))).backbone.get_weights()

    def old(name: str) -> str:
        name = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
        return name.removeprefix("bert.")

    bare = only(tensors, "bert.", rename=old)
    bare["embeddings.position_ids"] = np.arange(20)[None]
    source = open_source(str(hugging_face(bare)))
    assert all(map(np.array_equal, source.backbone.get_weights(), expected))
    assert source.head_names == []


@pytest.mark.parametrize(("dtype", "name"), [(np.float16, "float16"), (ml_dtypes.bfloat16, "bfloat16")])
def test_half_precision_is_read_as_float32(hugging_face, tensors, dtype, name: str):
    source = open_source(str(hugging_face({key: value.astype(dtype) for key, value in tensors.items()})))
    bias = tensors["bert.pooler.dense.bias"].astype(dtype).astype(np.float32)
    np.testing.assert_array_equal(source.weights["pooled_dense/bias"], bias)
    assert source.dtype == name


def test_shards_are_one_checkpoint(hugging_face, tensors):
    shards = [f"model-0000{n}-of-00003.safetensors" for n in (1, 2, 3)]
    directory = hugging_face(tensors, shards=shards)
    weights = open_source(str(directory)).weights
    np.testing.assert_array_equal(weights["pooled_dense/bias"], tensors["bert.pooler.dense.bias"])
    (directory / shards[1]).unlink()
    with pytest.raises(CheckpointError, match=r"model-00002-of-00003\.safetensors: no such weights file"):
        open_source(str(directory))


def test_a_masked_lm_has_no_pooler_and_says_so(hugging_face, tensors, tmp_path: Path):
    masked_lm = {
        name: tensor for name, tensor in tensors.items() if "pooler" not in name and "seq_rel" not in name
    }
    source = open_source(str(hugging_face(masked_lm)))
    assert source.missing == ("pooled_dense/kernel", "pooled_dense/bias")
    assert "no pooler" in source.notes[0]
    assert source.head_names == ["mlm_head"]
    backbone = build_backbone(source.config, len(source.vocabulary))
    pooler = backbone.get_layer("pooled_dense").get_weights()
    source.copy_to(backbone)
    assert all(map(np.array_equal, backbone.get_layer("pooled_dense").get_weights(), pooler))


@pytest.mark.parametrize("same", [True, False])
def test_the_tied_output_matrix_is_left_out_if_it_is_tied(hugging_face, tensors, same: bool):
    words, bias = tensors["bert.embeddings.word_embeddings.weight"], tensors[MLM + "bias"]
    tied = {**tensors, MLM + "decoder.weight": words if same else words + 1, MLM + "decoder.bias": bias}
    if same:
        source = open_source(str(hugging_face(tied)))
        np.testing.assert_array_equal(source.heads["mlm_head/output_bias"], bias)
    else:
        with pytest.raises(CheckpointError, match=r"decoder\.weight is not bert\.embeddings\.word"):
            open_source(str(hugging_face(tied)))


def test_the_output_bias_may_have_its_other_name(hugging_face, tensors):
    bias = tensors.pop(MLM + "bias")
    source = open_source(str(hugging_face({**tensors, MLM + "decoder.bias": bias})))
    np.testing.assert_array_equal(source.heads["mlm_head/output_bias"], bias)


def test_the_head_of_a_task_stays_behind(hugging_face, tensors):
    classifier = {"classifier.weight": np.zeros((3, HIDDEN)), "classifier.bias": np.zeros(3)}
    source = open_source(
        str(
            hugging_face(
                {**only(tensors, "bert."), **{k: v.astype(np.float32) for k, v in classifier.items()}}
            )
        )
    )
    assert "classifier.bias, classifier.weight stayed behind" in source.notes[0]


def without(*names: str):
    return lambda tensors: {name: tensor for name, tensor in tensors.items() if name not in names}


def plus(name: str, shape: tuple[int, ...]):
    return lambda tensors: {**tensors, name: np.zeros(shape, np.float32)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("bert.pooler.dense.bias"), r"bert\.pooler\.dense\.bias is missing"),
        (without("bert.encoder.layer.1.output.dense.weight"), r"layer\.1\.output\.dense\.weight is missing"),
        (without(MLM + "transform.dense.bias"), r"transform\.dense\.bias is missing"),
        (
            plus("bert.encoder.layer.2.output.dense.bias", (24,)),
            r"layer\.2\.output.* has no place in the model",
        ),
        (plus("surprise", (3,)), "surprise has no place in the model"),
        (plus("bert.pooler.dense.weight", (24, 23)), r"is \[24, 23\] instead of \[24, 24\]"),
        (plus("embeddings.LayerNorm.gamma", (24,)), "are the same weight"),
    ],
    ids=["missing", "in a layer", "in a head", "a layer more", "surplus", "shape", "twice"],
)
def test_tensors_without_partner_are_named(hugging_face, tensors, change, message: str):
    with pytest.raises(CheckpointError, match=message) as caught:
        open_source(str(hugging_face(change(tensors))))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"hidden_act": "relu"}, "hidden_act must be one of gelu, gelu_python"),
        ({"layer_norm_eps": 1.5}, "layer_norm_eps must be between 0 and 1. Received: 1.5"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type must be absolute"),
        ({"type_vocab_size": 1}, "token_type_embeddings.weight has 2 rows, but type_vocab_size is 1"),
        ({"is_decoder": True}, "is_decoder must be False"),
        ({"add_cross_attention": True}, "add_cross_attention must be False"),
        ({"model_type": "gpt2"}, "model_type must be one of bert, .*. Received: 'gpt2'"),
        ({"vocab_size": 99}, r"vocab_size is 99, but the vocabulary beside it"),
        ({"hidden_size": None}, "hidden_size must be given"),
        ({"num_attention_heads": 5}, "multiple of num_attention_heads"),
        ({"num_hidden_layers": 0}, "num_layers"),
    ],
    ids=str,
)
def test_another_architecture_is_refused(hugging_face, tensors, config: dict, message: str):
    with pytest.raises(UserError, match=message):
        open_source(str(hugging_face(tensors, **config)))


@pytest.mark.parametrize(
    ("tokenizer", "message"),
    [
        ({"tokenizer_class": "BertJapaneseTokenizer"}, "tokenizer_class must be BertTokenizer"),
        ({"do_lower_case": True, "strip_accents": False}, "strip_accents must be true"),
        ({"tokenize_chinese_chars": False}, "tokenize_chinese_chars must be true"),
    ],
    ids=str,
)
def test_another_tokenizer_is_refused(hugging_face, tensors, tokenizer: dict, message: str):
    with pytest.raises(CheckpointError, match=message):
        open_source(str(hugging_face(tensors, tokenizer)))


def test_pickled_weights_are_refused_with_the_way_to_convert_them(hugging_face):
    directory = hugging_face({})
    (directory / "pytorch_model.bin").write_bytes(b"\x80\x02")
    with pytest.raises(CheckpointError, match=r"python -c '.*weights_only=True.*' .*hugging_face$") as caught:
        open_source(str(directory))
    assert "\n" not in str(caught.value)
    code = shlex.split(str(caught.value).partition("python -c ")[2])
    compile(code[0], "the conversion", "exec")
    assert code[1:] == [str(directory)]


def test_an_unfinished_pretraining_is_refused(hugging_face, tensors, tmp_path: Path):
    directory = hugging_face({})
    (directory / "pretrain.yaml").touch()
    for name in ("config.json", "vocab.txt"):
        with pytest.raises(
            CheckpointError,
            match=r"did not finish\. Continue with: kerasbert pretrain .*pretrain\.yaml --resume",
        ):
            open_source(str(directory))
        (directory / name).unlink()
    hugging_face(tensors)
    assert open_source(str(directory)).head_names == ["mlm_head", "nsp_head"]


@pytest.mark.parametrize("kept", [0, 4, 60, -5])
def test_a_file_cut_short_is_refused(hugging_face, tensors, kept: int):
    weights = hugging_face(tensors) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match=r"model\.safetensors: is damaged or cut short"):
        open_source(str(weights.parent))


def test_weights_that_are_no_numbers_are_refused(hugging_face, tensors):
    tensors["bert.pooler.dense.bias"][3] = np.nan
    with pytest.raises(CheckpointError, match=r"pooler\.dense\.bias holds numbers that are not finite"):
        open_source(str(hugging_face(tensors)))


def test_integers_are_refused(hugging_face, tensors):
    tensors["bert.pooler.dense.bias"] = np.zeros(24, np.int8)
    with pytest.raises(CheckpointError, match=r"holds I8\. Expected F32, F16, BF16, F64"):
        open_source(str(hugging_face(tensors)))


@pytest.mark.parametrize("damage", ["config.json", "tokenizer_config.json", "vocab.txt"])
def test_a_damaged_file_beside_the_weights_is_refused(hugging_face, tensors, damage: str):
    directory = hugging_face(tensors, {"do_lower_case": True})
    (directory / damage).write_text("[PA")
    with pytest.raises(UserError, match=damage):
        open_source(str(directory))


def test_float16_is_half_as_large_and_close(hugging_face, tensors, tmp_path: Path):
    source = open_source(str(hugging_face(tensors)))
    out = save_source(tmp_path / "out", source, dtype="float16")
    assert (out / "model.safetensors").stat().st_size < 0.65 * 4 * sum(t.size for t in tensors.values())
    again = open_source(str(out))
    assert again.dtype == "float16"
    for path, weight in source.weights.items():
        np.testing.assert_array_equal(again.weights[path], weight.astype(np.float16).astype(np.float32))


def test_numbers_too_large_for_float16_are_refused(hugging_face, tensors, tmp_path: Path):
    tensors["bert.pooler.dense.bias"][0] = 1e5
    source = open_source(str(hugging_face(tensors)))
    with pytest.raises(CheckpointError, match="too large for float16"):
        save_source(tmp_path / "out", source, dtype="float16")
    assert not (tmp_path / "out" / "model.safetensors").exists()


def test_another_number_type_is_refused(hugging_face, tensors, tmp_path: Path):
    with pytest.raises(UserError, match=r"dtype: must be one of float32, float16\. Received: 'int8'"):
        save_source(tmp_path / "out", open_source(str(hugging_face(tensors))), dtype="int8")


def test_a_weight_that_bert_has_not_is_refused(hugging_face, tensors, tmp_path: Path):
    source = open_source(str(hugging_face(tensors)))
    encoded = source.backbone.output["pooled_output"]
    model = keras.Model(source.backbone.input, keras.layers.Dense(3, name="extra")(encoded))
    with pytest.raises(CheckpointError, match="no place for extra/kernel, extra/bias"):
        save_hugging_face(tmp_path / "out", model, source.config, TextConfig(), source.vocabulary)
    assert not (tmp_path / "out").exists()


def test_the_files_are_for_all_to_read(hugging_face, tensors, tmp_path: Path):
    umask = os.umask(0o022)
    try:
        out = save_source(tmp_path / "out", open_source(str(hugging_face(tensors))))
    finally:
        os.umask(umask)
    assert {path.stat().st_mode & 0o777 for path in out.iterdir()} == {0o644}
