import numpy as np
import pytest

from kerasbert.checkpoints import open_source
from kerasbert.errors import CheckpointError
from kerasbert.text import Vocabulary


def test_it_is_the_same_model_as_its_hugging_face_form(google, hugging_face, tensors):
    one, other = open_source(str(google(tensors))), open_source(str(hugging_face(tensors)))
    assert one.format == "Google TF1 checkpoint"
    assert one.config.model_dump(exclude={"source"}) == other.config.model_dump(exclude={"source"})
    assert set(one.weights) == set(other.weights)
    for path, weight in one.weights.items():
        np.testing.assert_array_equal(weight, other.weights[path], err_msg=path)


def test_what_the_optimizer_and_a_task_left_is_left_out(google, tensors):
    more = {
        "global_step": np.int64(7),
        "bert/pooler/dense/bias/adam_m": np.zeros(24, np.float32),
        "bert/pooler/dense/bias/adam_v": np.zeros(24, np.float32),
        "output_weights": np.zeros((3, 24), np.float32),
        "output_bias": np.zeros(3, np.float32),
    }
    source = open_source(str(google(tensors, more, prefix="model")))
    assert source.notes == ("output_weights, output_bias stayed behind: the head of another task",)
    assert source.dtype == "float32"


@pytest.mark.parametrize(
    ("token", "lowercase"), [("play", True), ("Play", False), ("##B", False), ("Ａ", True), ("<S>", True)]
)
def test_the_case_is_read_off_the_vocabulary(google, tensors, tokens, token: str, lowercase: bool):
    changed = [token if old == "play" else old for old in tokens]
    assert open_source(str(google(tensors, tokens=changed))).text["lowercase"] is lowercase


@pytest.mark.parametrize(
    ("more", "left_out", "message"),
    [
        ({}, "bert.pooler.dense.bias", "bert/pooler/dense/bias is missing"),
        ({"surprise": np.zeros(3, np.float32)}, "", "surprise has no place in the model"),
        (
            {"bert/pooler/dense/bias": np.zeros(7, np.float32)},
            "bert.pooler.dense.bias",
            r"is \[7\] instead of",
        ),
    ],
    ids=["missing", "surplus", "shape"],
)
def test_tensors_without_partner_are_named(google, tensors, more: dict, left_out: str, message: str):
    tensors.pop(left_out, None)
    with pytest.raises(CheckpointError, match=message):
        open_source(str(google(tensors, more)))


@pytest.mark.parametrize("suffix", ["index", "data-00000-of-00001"])
def test_a_damaged_checkpoint_is_refused(google, tensors, suffix: str):
    directory = google(tensors)
    file = directory / f"bert_model.ckpt.{suffix}"
    file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(CheckpointError, match=r"bert_model\.ckpt: is damaged or incomplete"):
        open_source(str(directory))


def test_the_files_must_be_there_once(google, tensors):
    google(tensors, prefix="other")
    directory = google(tensors)
    with pytest.raises(CheckpointError, match=r"exactly one .* bert_model\.ckpt\.index, other\.ckpt\.index"):
        open_source(str(directory))
    for file in directory.glob("*.index"):
        file.unlink()
    with pytest.raises(CheckpointError, match=r"exactly one .* none"):
        open_source(str(directory))
    (directory / "bert_config.json").unlink()
    with pytest.raises(CheckpointError, match="no checkpoint that kerasbert knows"):
        open_source(str(directory))


def test_the_chinese_vocabulary_is_uncased(google, tensors, shared_data):
    tokens = Vocabulary.load(shared_data / "vocab" / "vocab.txt").tokens
    rows = np.zeros((len(tokens), 24), np.float32)
    tensors |= {"bert.embeddings.word_embeddings.weight": rows, "cls.predictions.bias": rows[:, 0]}
    directory = google(tensors, tokens=tokens, vocab_size=len(tokens))
    assert open_source(str(directory)).text["lowercase"] is True
