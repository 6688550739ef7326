import numpy as np
import pytest
from click.testing import CliRunner

from kerasbert.checkpoints import open_source
from kerasbert.cli import main
from kerasbert.errors import CheckpointError
from kerasbert.text import WordPieceVocabulary


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
    assert source.left_aside == ("global_step", "1 of */adam_m", "1 of */adam_v")


def test_whatever_an_optimizer_kept_is_left_aside(google, tensors):
    plain = open_source(str(google(tensors)))
    bias = "bert/pooler/dense/bias"
    slots = ("Adam", "Adam_1", "lamb_m", "ExponentialMovingAverage", "Momentum")
    more = {f"{bias}/{slot}": np.ones(24, np.float32) for slot in slots}
    more |= {name: np.float32(0.9) for name in ("beta1_power", "beta2_power", "loss_scale")}
    more["good_steps"] = np.int32(3)
    source = open_source(str(google(tensors, more, prefix="amp")))
    assert set(source.left_aside) == {
        "beta1_power", "beta2_power", "good_steps", "loss_scale", *(f"1 of */{slot}" for slot in slots)
    }  # fmt: skip
    assert all(map(np.array_equal, source.backbone.get_weights(), plain.backbone.get_weights()))


def test_inspect_lists_what_is_left_aside(google, tensors):
    directory = google(tensors, {"loss_scale": np.float32(1)})
    result = CliRunner().invoke(main, ["checkpoint", "inspect", str(directory)])
    assert result.exit_code == 0, result.output
    assert "ignored:            loss_scale\n" in result.stdout


@pytest.mark.parametrize("name", ["bert_model.ckpt", "bert_model.ckpt.index"])
def test_the_prefix_is_a_source_too(google, tensors, name: str):
    google({**tensors, "bert.pooler.dense.bias": np.zeros(24, np.float32)}, prefix="newer")
    directory = google(tensors)
    source = open_source(str(directory / name))
    np.testing.assert_array_equal(source.weights["pooled_dense/bias"], tensors["bert.pooler.dense.bias"])


@pytest.mark.process
def test_of_several_checkpoints_the_one_that_tensorflow_noted_is_taken(google, tensors):
    google(tensors, prefix="bert_model")
    bias = np.arange(24, dtype=np.float32)
    directory = google({**tensors, "bert.pooler.dense.bias": bias}, prefix="model", step=10)
    state = (directory / "checkpoint").read_text()
    (directory / "checkpoint").write_text(state.replace('path: "', 'path: "/gone/'))
    source = open_source(str(directory))
    np.testing.assert_array_equal(source.weights["pooled_dense/bias"], bias)
    assert source.notes == (
        "of several checkpoints there, model.ckpt-10 was read: the file checkpoint names it",
    )
    (directory / "checkpoint").write_text('model_checkpoint_path: "gone.ckpt-3"')
    with pytest.raises(CheckpointError, match=r"that names one\..* Name the one .*google/model\.ckpt-10$"):
        open_source(str(directory))


def test_the_configuration_may_have_a_longer_name(google, tensors):
    directory = google(tensors)
    (directory / "bert_config.json").rename(directory / "bert_config_rbt3.json")
    assert open_source(str(directory)).format == "Google TF1 checkpoint"
    (directory / "bert_config_b.json").write_text("{}")
    with pytest.raises(
        CheckpointError, match=r"exactly one bert_config\*\.json.*config_b\.json, bert_config_r"
    ):
        open_source(str(directory))


def test_a_model_within_a_module_is_read(google, tensors):
    plain = open_source(str(google(tensors)))
    wrapped = open_source(str(google({f"model.{name}": tensor for name, tensor in tensors.items()})))
    assert all(map(np.array_equal, wrapped.backbone.get_weights(), plain.backbone.get_weights()))


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
    (directory / "checkpoint").unlink()
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
    tokens = WordPieceVocabulary.load(shared_data / "vocab" / "vocab.txt").tokens
    rows = np.zeros((len(tokens), 24), np.float32)
    tensors |= {"bert.embeddings.word_embeddings.weight": rows, "cls.predictions.bias": rows[:, 0]}
    directory = google(tensors, tokens=tokens, vocab_size=len(tokens))
    assert open_source(str(directory)).text["lowercase"] is True
