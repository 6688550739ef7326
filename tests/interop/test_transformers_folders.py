"""Folders that Transformers saves: its tokenizers' ids, its added tokens, padded embeddings and pickles."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import tensorflow as tf

from kerasbert.checkpoints import import_checkpoint, open_source
from kerasbert.errors import CheckpointError
from kerasbert.text import TextGraph

pytestmark = pytest.mark.process

TEXTS = [
    "手机很好。",
    "playing 手机手机店",
    "The <E1>酒店</E1> <e1> 太差了",
    "[X]早餐",
    "喜欢 \t!",
    "",
    "旅游玩好",
]


def ids(source, texts=TEXTS) -> list[list[int]]:
    graph = TextGraph(source.vocabulary, max_length=64, **source.text)
    return graph.tokenize(tf.constant(texts)).to_list()


def theirs(tokenizer, texts=TEXTS) -> list[list[int]]:
    return tokenizer(list(texts), add_special_tokens=False)["input_ids"]


def resave_tokenizer(transformers, directory: Path, keep_vocabulary: bool = False, **settings):
    """Saves the tokenizer of a folder as Transformers does, which leaves no vocab.txt."""
    tokenizer = transformers.BertTokenizer.from_pretrained(directory, **settings)
    tokenizer.save_pretrained(directory)
    if not keep_vocabulary:
        (directory / "vocab.txt").unlink()
    return tokenizer


@pytest.mark.parametrize("lowercase", [True, False])
def test_a_folder_without_vocab_txt_is_read(transformers, random_bert, lowercase: bool):
    _, directory = random_bert("BertModel")
    tokens = open_source(str(directory)).vocabulary.tokens
    tokenizer = resave_tokenizer(transformers, directory, do_lower_case=lowercase)
    assert not (directory / "vocab.txt").exists()
    source = open_source(str(directory))
    assert source.vocabulary.tokens == tokens
    assert source.text["lowercase"] is lowercase
    assert ids(source) == theirs(tokenizer)


def test_a_generic_tokenizer_is_read_as_its_file_says(transformers, random_bert):
    _, directory = random_bert("BertModel")
    resave_tokenizer(transformers, directory, do_lower_case=False)
    settings = directory / "tokenizer_config.json"
    settings.write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]"}))
    source = open_source(str(directory))
    assert source.text["lowercase"] is False
    assert ids(source) == theirs(transformers.AutoTokenizer.from_pretrained(directory))


def test_where_the_files_disagree_on_the_case_transformers_is_followed(transformers, random_bert):
    _, directory = random_bert("BertModel")
    resave_tokenizer(transformers, directory, do_lower_case=True)
    fast = directory / "tokenizer.json"
    values = json.loads(fast.read_text(encoding="utf-8"))
    values["normalizer"]["lowercase"] = False
    fast.write_text(json.dumps(values), encoding="utf-8")
    source = open_source(str(directory))
    assert source.notes[0].startswith("tokenizer_config.json says do_lower_case: true, tokenizer.json false;")
    assert ids(source) == theirs(transformers.AutoTokenizer.from_pretrained(directory))


@pytest.mark.parametrize("keep_vocabulary", [True, False])
def test_added_tokens_have_their_ids(torch, transformers, random_bert, ask, tmp_path, keep_vocabulary: bool):
    model, directory = random_bert("BertForMaskedLM")
    tokenizer = transformers.BertTokenizer.from_pretrained(directory)
    tokenizer.add_tokens(["太差", "<E1>", "The"])
    tokenizer.add_special_tokens({"additional_special_tokens": ["</E1>", "[X]"]})
    model.resize_token_embeddings(len(tokenizer), pad_to_multiple_of=8)
    torch.nn.init.normal_(model.bert.embeddings.word_embeddings.weight)
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    if not keep_vocabulary:
        (directory / "vocab.txt").unlink()
    source = open_source(str(directory))
    assert len(source.vocabulary) == len(tokenizer)
    assert ids(source) == theirs(tokenizer)
    assert any("beyond the vocabulary" in note for note in source.notes) == (len(tokenizer) % 8 != 0)

    import_checkpoint(str(directory), tmp_path / "ours")
    again = open_source(str(tmp_path / "ours"))
    assert again.text == source.text
    assert again.vocabulary.tokens == source.vocabulary.tokens
    assert all(np.array_equal(again.weights[path], weight) for path, weight in source.weights.items())
    loaded = transformers.AutoTokenizer.from_pretrained(tmp_path / "ours")
    assert theirs(loaded) == ids(source)
    graph = TextGraph(source.vocabulary, max_length=32, **source.text)
    inputs = graph(tf.constant(TEXTS))
    mine = transformers.AutoModelForMaskedLM.from_pretrained(tmp_path / "ours")
    real = inputs["padding_mask"].numpy().astype(bool)
    np.testing.assert_allclose(
        ask(mine, inputs)["logits"][real],
        ask(model, inputs)["logits"][..., : len(source.vocabulary)][real],
        rtol=0,
        atol=2e-5,
    )


def test_added_tokens_json_is_read(torch, transformers, random_bert):
    model, directory = random_bert("BertModel")
    tokens = len(open_source(str(directory)).vocabulary)
    (directory / "added_tokens.json").write_text(json.dumps({"旅游": tokens + 1, "<e1>": tokens}))
    (directory / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
    model.resize_token_embeddings(tokens + 2)
    model.save_pretrained(directory)
    source = open_source(str(directory))
    assert source.vocabulary.tokens[tokens:] == ("<e1>", "旅游")
    assert ids(source) == theirs(transformers.AutoTokenizer.from_pretrained(directory))


def test_rows_beyond_the_vocabulary_stay_behind(torch, random_bert, ask, texts):
    model, directory = random_bert("BertForMaskedLM")
    model.resize_token_embeddings(64)
    model.save_pretrained(directory)
    source = open_source(str(directory))
    tokens = len(source.vocabulary)
    assert (
        source.notes[-1] == f"{64 - tokens} rows of its token embedding, beyond the vocabulary, stayed behind"
    )
    graph = TextGraph(source.vocabulary, max_length=32)
    inputs = graph(tf.constant(texts[0]))
    real = inputs["padding_mask"].numpy().astype(bool)
    expected = ask(model.bert, inputs)["last_hidden_state"][real]
    found = source.backbone(inputs)["sequence_output"].numpy()[real]
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5)
    (directory / "vocab.txt").write_text("\n".join(source.vocabulary.tokens + ("a", "b", "c") * 0), "utf-8")
    values = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps({**values, "vocab_size": 40}))
    with pytest.raises(CheckpointError, match=r"vocab_size is 40, but the vocabulary beside it"):
        open_source(str(directory))


@pytest.mark.parametrize("keep_vocabulary", [True, False])
def test_a_token_of_white_space_does_not_matter(transformers, random_bert, keep_vocabulary: bool):
    _, directory = random_bert("BertModel")
    path = directory / "vocab.txt"
    path.write_text(path.read_text(encoding="utf-8").replace("play\n", "\u2028\n"), encoding="utf-8")
    tokenizer = resave_tokenizer(transformers, directory, keep_vocabulary)
    source = open_source(str(directory))
    assert ids(source) == theirs(tokenizer)
    assert source.vocabulary.tokens.count("\u2028") == keep_vocabulary


def test_two_vocabularies_that_differ_are_refused(transformers, random_bert):
    _, directory = random_bert("BertModel")
    resave_tokenizer(transformers, directory, keep_vocabulary=True)
    path = directory / "vocab.txt"
    path.write_text(path.read_text(encoding="utf-8").replace("手\n", "足\n"), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"id 5 is '足' in vocab\.txt and '手' in tokenizer\.json"):
        open_source(str(directory))


@pytest.mark.parametrize("architecture", ["BertForMaskedLM", "BertForSequenceClassification"])
def test_the_conversion_of_a_pickle_gives_what_is_in_it(torch, random_bert, architecture: str):
    model, directory = random_bert(architecture)
    expected = safetensors.numpy.load_file(directory / "model.safetensors")
    (directory / "model.safetensors").unlink()
    torch.save(model.state_dict(), directory / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="python -c ") as caught:
        open_source(str(directory))
    command = "python" + str(caught.value).partition("python")[2]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(command, shell=True, check=True, timeout=120, env={**os.environ, "PATH": path})
    source = open_source(str(directory))
    assert source.head_names == (["mlm_head"] if architecture == "BertForMaskedLM" else [])
    written = safetensors.numpy.load_file(directory / "model.safetensors")
    assert set(written) == set(model.state_dict())
    assert all(np.array_equal(written[name], expected[name]) for name in expected)
