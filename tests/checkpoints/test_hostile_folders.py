"""Folders that are wrong, or meant to harm: refused in one line, before anything large is made."""

import json
import resource
import struct
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from kerasbert.checkpoints import open_source
from kerasbert.errors import CheckpointError, UserError

SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


def refused(directory: Path, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        open_source(str(directory))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["../model.safetensors", "/etc/passwd", "a/../b.safetensors", "."])
def test_shards_lie_beside_their_index(hugging_face, tensors, name: str):
    directory = hugging_face(tensors, shards=SHARDS)
    index = directory / "model.safetensors.index.json"
    values = json.loads(index.read_text())
    values["weight_map"]["bert.pooler.dense.bias"] = name
    index.write_text(json.dumps(values))
    refused(
        directory, "weight_map must name files beside it" if name != "." else "weight_map|no such|damaged"
    )


def test_a_tensor_in_two_shards_is_refused(hugging_face, tensors):
    directory = hugging_face(tensors, shards=SHARDS)
    part = safetensors.numpy.load_file(directory / SHARDS[0])
    both = {**part, **safetensors.numpy.load_file(directory / SHARDS[1])}
    safetensors.numpy.save_file(both, directory / SHARDS[1])
    refused(directory, rf"stands in {SHARDS[0]} too")


@pytest.mark.parametrize("name", ["a\nb", "\x1b[31mred", "\u2028", "\u202egnp", "x" * 10_000])
def test_a_name_of_any_letters_stays_in_one_line(hugging_face, tensors, name: str):
    tensors[name] = np.zeros(3, np.float32)
    with pytest.raises(CheckpointError, match="has no place in the model") as caught:
        open_source(str(hugging_face(tensors)))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000


def test_a_folder_that_may_not_be_read_is_named(hugging_face, tensors, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    directory = hugging_face(tensors)
    monkeypatch.setattr(Path, "is_dir", refuse)
    refused(directory, r"hugging_face: cannot be read \(Permission denied\)")


def test_first_conversions_have_the_configuration_under_its_old_name(hugging_face, tensors):
    directory = hugging_face(tensors)
    (directory / "config.json").rename(directory / "bert_config.json")
    assert open_source(str(directory)).format == "Hugging Face folder"
    (directory / "model.safetensors").rename(directory / "pytorch_model.bin")
    refused(directory, "never opens a pickle")


@pytest.mark.parametrize("size", [2**63, 2**40, 10**8 + 1])
def test_a_header_without_end_is_refused(hugging_face, tensors, size: int):
    weights = hugging_face(tensors) / "model.safetensors"
    weights.write_bytes(struct.pack("<Q", size) + b"{" * 100)
    refused(weights.parent, r"model\.safetensors: is damaged or cut short")


@pytest.mark.parametrize(
    "config",
    [
        {"hidden_size": 3 * 10**6},
        {"num_hidden_layers": 10**9},
        {"intermediate_size": 10**9},
        {"max_position_embeddings": 10**9},
        {"vocab_size": 10**9},
    ],
    ids=str,
)
def test_sizes_that_no_file_has_take_no_memory(hugging_face, tensors, config: dict):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(hugging_face(tensors, **config), "instead of|too few|vocab_size is")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"hidden_size": "24"}, "hidden_size must be given as whole numbers"),
        ({"num_hidden_layers": True}, "num_hidden_layers must be given as whole numbers"),
        ({"vocab_size": 25.0}, "vocab_size must be given as whole numbers"),
        ({"hidden_act": ["gelu"]}, "hidden_act must be one of"),
        ({"hidden_act": None}, "hidden_act must be one of"),
        ({"hidden_dropout_prob": "much"}, "dropout"),
        ({"hidden_dropout_prob": 7}, "dropout"),
        ({"num_attention_heads": -3}, "num_heads"),
        ({"num_attention_heads": 0}, "num_heads"),
        ({"model_type": ["bert"]}, "model_type must be one of bert"),
        ({"layer_norm_eps": "1e-12"}, "layer_norm_eps must be"),
        ({"layer_norm_eps": True}, "layer_norm_eps must be"),
        ({"type_vocab_size": None}, "type_vocab_size must be a whole number"),
        ({"type_vocab_size": -1}, "type_vocab_size must be a whole number"),
        ({"type_vocab_size": 10**9}, "token_type_embeddings.weight has 2 rows"),
        ({"model_type": "roberta", "pad_token_id": -3}, "pad_token_id must be a whole number"),
        ({"model_type": "roberta", "pad_token_id": None}, "pad_token_id must be a whole number"),
        ({"model_type": "roberta", "pad_token_id": "1"}, "pad_token_id must be a whole number"),
        ({"model_type": "roberta", "pad_token_id": 10**9}, "max_positions"),
        ({"model_type": "ernie", "use_task_id": True}, "task_type_embeddings.weight is missing"),
        ({"model_type": "electra", "embedding_size": "24"}, "embedding_size must be hidden_size"),
        ({"auto_map": {"AutoModel": "modeling.Model"}}, "auto_map names code of its own"),
    ],
    ids=str,
)
def test_values_of_another_type_are_named(hugging_face, tensors, config: dict, message: str):
    refused(hugging_face(tensors, **config), message)


def test_a_folder_behind_a_symlink_is_read_and_a_loop_is_refused(hugging_face, tensors, tmp_path: Path):
    directory = hugging_face(tensors)
    blob = (directory / "model.safetensors").rename(tmp_path / "blob")
    (directory / "model.safetensors").symlink_to(blob)  # as in the cache of Hugging Face
    (tmp_path / "link").symlink_to(directory)
    assert open_source(str(tmp_path / "link")).format == "Hugging Face folder"
    blob.unlink()
    refused(directory, r"has no model\.safetensors")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    refused(tmp_path / "loop", "loop")


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "/dev/null", "/proc/self/mem"])
def test_what_is_no_folder_is_refused(name: str):
    refused(Path(name), "must be a folder|cannot be")


def test_numbers_too_large_for_float32_are_refused(hugging_face, tensors):
    tensors = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}
    source = open_source(str(hugging_face(tensors)))
    assert source.dtype == "float64"
    np.testing.assert_array_equal(
        source.weights["pooled_dense/bias"], tensors["bert.pooler.dense.bias"].astype(np.float32)
    )
    tensors["bert.pooler.dense.bias"][0] = 1e300
    refused(hugging_face(tensors), "bias holds numbers that are not finite")


@pytest.mark.parametrize("prefix", ["module.", "model.", "module.model.", "_orig_mod."])
def test_what_wraps_a_model_does_not_matter(hugging_face, tensors, prefix: str):
    expected = open_source(str(hugging_face(tensors))).weights
    for form in (prefix, f"{prefix}bert."):
        wrapped = {f"{prefix}{name}": tensor for name, tensor in tensors.items()}
        if not form.endswith("bert."):
            wrapped = {
                name.replace(f"{prefix}bert.", prefix): t for name, t in wrapped.items() if "cls." not in name
            }
        found = open_source(str(hugging_face(wrapped))).weights
        assert set(found) <= set(expected)
        assert all(np.array_equal(found[path], expected[path]) for path in found)


def test_a_wrapped_and_a_bare_tensor_are_the_same_weight(hugging_face, tensors):
    tensors["module.bert.pooler.dense.bias"] = tensors["bert.pooler.dense.bias"]
    with pytest.raises(CheckpointError, match="are the same weight"):
        open_source(str(hugging_face(tensors)))
