"""Encoders of other families give Transformers' hidden states, once they are folded into BERT."""

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import tensorflow as tf
import tokenizers

from kerasbert.checkpoints import import_checkpoint, open_source
from kerasbert.checkpoints.families import FAMILIES
from kerasbert.errors import CheckpointError
from kerasbert.inference import PackedEncoder
from kerasbert.models.pretraining import build_pretraining_model
from kerasbert.text import TextGraph

pytestmark = pytest.mark.process

CLOSE = {"rtol": 0, "atol": 1e-5}
# [PAD] is 1, as in all families whose positions begin after it.
TOKENS = (
    "[CLS]",
    "[PAD]",
    "[SEP]",
    "[UNK]",
    "[MASK]",
    *"手机酒店早餐衣服很好太差喜欢的了不",
    "play",
    "##ing",
    "the",
    "，",
    "。",
)
TEXTS = ("手机很好。", "酒店早餐太差了，不喜欢", "the playing 衣服，好的", "好", "")
PAIRS = ("不", "the 手机", "很好，很好，很好。", "playing", "好")

SIZES = {
    "vocab_size": len(TOKENS),
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "max_position_embeddings": 64,
    "initializer_range": 0.3,
    "pad_token_id": 1,
}
DISTILBERT = {
    "vocab_size": len(TOKENS),
    "dim": 24,
    "n_layers": 2,
    "n_heads": 3,
    "hidden_dim": 40,
    "max_position_embeddings": 64,
    "initializer_range": 0.3,
}
# model_type, what differs in the configuration, class of the encoder.
CASES = {
    "bert": ("bert", {}, "BertModel"),
    "one segment": ("bert", {"type_vocab_size": 1}, "BertModel"),
    "large epsilon": ("bert", {"layer_norm_eps": 0.3}, "BertModel"),
    "tanh": ("bert", {"hidden_act": "gelu_fast"}, "BertModel"),
    "xlm-r": ("xlm-roberta", {"layer_norm_eps": 1e-5, "type_vocab_size": 1}, "XLMRobertaModel"),
    "roberta": ("roberta", {"layer_norm_eps": 1e-5, "type_vocab_size": 1}, "RobertaModel"),
    "roberta of two segments": ("roberta", {"type_vocab_size": 2}, "RobertaModel"),
    "camembert": ("camembert", {"type_vocab_size": 1}, "CamembertModel"),
    "ernie 3": (
        "ernie",
        {"use_task_id": True, "task_type_vocab_size": 3, "type_vocab_size": 4, "layer_norm_eps": 1e-5},
        "ErnieModel",
    ),
    "ernie": ("ernie", {}, "ErnieModel"),
    "distilbert": ("distilbert", {}, "DistilBertModel"),
    "distilbert sinusoidal": ("distilbert", {"sinusoidal_pos_embds": True}, "DistilBertModel"),
    "electra": ("electra", {"embedding_size": 24}, "ElectraModel"),
}
WITH_HEADS = {
    "xlm-r": "XLMRobertaForMaskedLM",
    "roberta": "RobertaForMaskedLM",
    "camembert": "CamembertForMaskedLM",
    "ernie 3": "ErnieForMaskedLM",
    "distilbert": "DistilBertForMaskedLM",
}
OF_TASKS = {
    "xlm-r": "XLMRobertaForSequenceClassification",
    "ernie 3": "ErnieForSequenceClassification",
    "distilbert": "DistilBertForSequenceClassification",
    "electra": "ElectraForPreTraining",
}


@pytest.fixture
def random_model(torch, transformers, tmp_path: Path):
    """Saves a randomly initialised model of a case of `CASES`; returns it with its folder."""

    def make(case: str, architecture: str | None = None):
        model_type, changes, encoder = CASES[case]
        torch.manual_seed(0)
        sizes = DISTILBERT if model_type == "distilbert" else SIZES
        config = transformers.AutoConfig.for_model(model_type, **{**sizes, **changes})
        model = getattr(transformers, architecture or encoder)(config).eval()
        for name, weight in model.named_parameters():
            if name.endswith("bias") or "LayerNorm" in name or "layer_norm" in name:
                torch.nn.init.normal_(weight, mean=0.5, std=0.3)
        directory = tmp_path / "theirs"
        model.save_pretrained(directory)
        (directory / "vocab.txt").write_text("".join(f"{token}\n" for token in TOKENS), encoding="utf-8")
        return model, directory

    return make


@pytest.fixture
def theirs(torch):
    """Runs a model on our inputs; returns the outputs that are arrays."""

    def run(model, inputs, with_segments: bool) -> dict[str, np.ndarray]:
        given = {"input_ids": "token_ids", "attention_mask": "padding_mask"}
        if with_segments:
            given["token_type_ids"] = "segment_ids"
        given = {name: torch.tensor(inputs[ours].numpy(), dtype=torch.long) for name, ours in given.items()}
        with torch.no_grad():
            outputs = dict(model(**given, output_hidden_states=True))
        states = outputs.pop("hidden_states")
        arrays = {name: value.numpy() for name, value in outputs.items() if hasattr(value, "numpy")}
        return {**arrays, "hidden_states": [state.numpy() for state in states]}

    return run


def pack(source, pairs: bool = True) -> dict[str, tf.Tensor]:
    graph = TextGraph(source.vocabulary, max_length=32, **source.text)
    return graph(tf.constant(TEXTS), tf.constant(PAIRS) if pairs else None)


def has_two_segments(case: str) -> bool:
    return CASES[case][1].get("type_vocab_size", 0 if "distilbert" in case else 2) > 1


@pytest.mark.parametrize("case", CASES)
def test_all_hidden_states_are_theirs(random_model, theirs, case: str):
    model, directory = random_model(case)
    source = open_source(str(directory))
    for pairs in (True, False):
        inputs = pack(source, pairs)
        real = inputs["padding_mask"].numpy().astype(bool)
        assert not real.all()
        expected = theirs(model, inputs, with_segments=has_two_segments(case))
        encoded = source.backbone(inputs, return_hidden_states=True)
        for ours, state in zip(encoded["hidden_states"], expected["hidden_states"], strict=True):
            np.testing.assert_allclose(ours.numpy(), state[real], **CLOSE)
        np.testing.assert_allclose(
            encoded["sequence_output"].numpy()[real], expected["last_hidden_state"][real], **CLOSE
        )
        if "pooler_output" in expected:
            np.testing.assert_allclose(encoded["pooled_output"], expected["pooler_output"], **CLOSE)


@pytest.mark.parametrize("case", ["xlm-r", "ernie 3", "distilbert", "large epsilon"])
def test_the_exported_encoder_gives_them_too(random_model, theirs, case: str):
    model, directory = random_model(case)
    source = open_source(str(directory))
    inputs = pack(source)
    real = inputs["padding_mask"].numpy().astype(bool)
    expected = theirs(model, inputs, with_segments=has_two_segments(case))["last_hidden_state"]
    packed = PackedEncoder(source.backbone, tf.float32, int8=False)
    encoded = packed(inputs, return_sequence=True)["sequence_output"].numpy()
    np.testing.assert_allclose(encoded[real], expected[real], **CLOSE)


@pytest.mark.parametrize("case", WITH_HEADS)
def test_masked_language_models_give_their_logits(random_model, theirs, case: str):
    model, directory = random_model(case, WITH_HEADS[case])
    source = open_source(str(directory))
    assert source.head_names == ["mlm_head"]
    ours = build_pretraining_model(source.backbone, source.config, next_sentence=False)
    source.copy_heads_to(ours)
    inputs = pack(source)
    batch, length = inputs["token_ids"].shape
    everywhere = tf.tile(tf.range(length)[None], [batch, 1])
    logits = ours({**inputs, "mask_positions": everywhere})["mlm"].numpy()
    real = inputs["padding_mask"].numpy().astype(bool)
    expected = theirs(model, inputs, with_segments=has_two_segments(case))["logits"]
    np.testing.assert_allclose(logits[real], expected[real], rtol=0, atol=3e-5)


@pytest.mark.parametrize("case", OF_TASKS)
def test_heads_of_tasks_stay_behind(random_model, theirs, case: str):
    model, directory = random_model(case, OF_TASKS[case])
    source = open_source(str(directory))
    assert any("stayed behind: the head of another task" in note for note in source.notes)
    inputs = pack(source)
    real = inputs["padding_mask"].numpy().astype(bool)
    states = theirs(model, inputs, with_segments=has_two_segments(case))["hidden_states"]
    encoded = source.backbone(inputs)["sequence_output"].numpy()
    np.testing.assert_allclose(encoded[real], states[-1][real], **CLOSE)


@pytest.mark.parametrize("case", CASES)
def test_an_import_is_a_bert_of_the_same_numbers(transformers, random_model, theirs, tmp_path, case: str):
    model, directory = random_model(case)
    source = open_source(str(directory))
    import_checkpoint(str(directory), tmp_path / "ours")
    bert, report = transformers.BertModel.from_pretrained(tmp_path / "ours", output_loading_info=True)
    lacking = {"pooler.dense.weight", "pooler.dense.bias"} if source.missing else set()
    assert set(report["missing_keys"]) == lacking
    assert not report["unexpected_keys"]
    inputs = pack(source)
    real = inputs["padding_mask"].numpy().astype(bool)
    expected = theirs(model, inputs, with_segments=has_two_segments(case))["last_hidden_state"]
    theirs_of_ours = theirs(bert.eval(), inputs, with_segments=True)["last_hidden_state"]
    np.testing.assert_allclose(theirs_of_ours[real], expected[real], **CLOSE)
    again = open_source(str(tmp_path / "ours"))
    assert again.format == "Hugging Face folder"
    assert again.config.layer_norm_epsilon == source.config.layer_norm_epsilon
    assert set(again.missing) == set(source.missing)
    assert all(np.array_equal(weight, source.weights[path]) for path, weight in again.weights.items())


@pytest.mark.parametrize("case", ["distilbert", "electra"])
def test_an_encoder_without_a_pooler_says_so(random_model, case: str):
    _, directory = random_model(case)
    source = open_source(str(directory))
    assert source.missing == ("pooled_dense/kernel", "pooled_dense/bias")
    assert any("no pooler" in note for note in source.notes)


def test_xlm_roberta_with_its_kind_of_vocabulary(transformers, random_model, theirs):
    model, directory = random_model("xlm-r")
    (directory / "vocab.txt").unlink()
    save_unigram(directory)
    source = open_source(str(directory))
    assert (source.vocabulary.pad, source.vocabulary.two_separators) == (1, True)
    tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    for pairs in (True, False):
        inputs = pack(source, pairs)
        ids = tokenizer(list(TEXTS), list(PAIRS) if pairs else None, padding="longest")["input_ids"]
        assert inputs["token_ids"].numpy()[:, : len(ids[0])].tolist() == ids
        real = inputs["padding_mask"].numpy().astype(bool)
        expected = theirs(model, inputs, with_segments=False)["last_hidden_state"][real]
        encoded = source.backbone(inputs)["sequence_output"].numpy()[real]
        np.testing.assert_allclose(encoded, expected, **CLOSE)


def save_unigram(directory: Path) -> None:
    """Writes a tokenizer.json as XLM-R's is made, by the tokenizers library; as many tokens as `TOKENS`."""
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    pieces = ["▁", *TOKENS[5:22], "手机", "▁the", "，", "。"]
    vocabulary = [(token, 0.0) for token in special]
    vocabulary += [(piece, -2.0 - 0.1 * n) for n, piece in enumerate(pieces)]
    vocabulary.append(("<mask>", 0.0))
    assert len(vocabulary) == len(TOKENS)
    tokenizer = tokenizers.Tokenizer(tokenizers.models.Unigram(vocabulary, unk_id=3))
    tokenizer.normalizer = tokenizers.normalizers.Replace(tokenizers.Regex(" {2,}"), " ")
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.add_special_tokens([*special, "<mask>"])
    tokenizer.save(str(directory / "tokenizer.json"))
    names = dict(zip(("bos_token", "pad_token", "eos_token", "unk_token"), special, strict=True))
    names |= {"cls_token": "<s>", "sep_token": "</s>", "mask_token": "<mask>"}
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", **names}
    (directory / "tokenizer_config.json").write_text(json.dumps(settings))


def test_every_family_of_the_table_is_tried():
    assert {model_type for model_type, *_ in CASES.values()} == set(FAMILIES)


def test_electra_small_is_refused_with_the_reason(random_model):
    _, directory = random_model("electra")
    values = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps({**values, "embedding_size": 12}))
    with pytest.raises(
        CheckpointError, match=r"embedding_size must be hidden_size, 24\. Received: 12.*matrix"
    ):
        open_source(str(directory))


@pytest.mark.parametrize(
    ("case", "change", "message"),
    [
        (
            "ernie 3",
            {"task_type_embeddings": None},
            "task_type_embeddings.weight is missing, but use_task_id",
        ),
        ("ernie 3", {"task_type_embeddings": (3, 23)}, "task_type_embeddings.weight has no place"),
        ("ernie 3", {"token_type_embeddings": (3, 24)}, "token_type_embeddings.weight has 3 rows"),
        ("xlm-r", {"token_type_embeddings": (1, 23)}, r"token_type_embeddings.weight is \[2, 23\]"),
        ("xlm-r", {"position_embeddings": (2, 24)}, r"position_embeddings.weight is \[2, 24\]"),
        ("xlm-r", {"position_embeddings": None}, "position_embeddings.weight is missing"),
        ("ernie 3", {"task_type_embeddings": ()}, "task_type_embeddings.weight has no place"),
        ("xlm-r", {"position_embeddings": ()}, "position_embeddings.weight is"),
        ("xlm-r", {"token_type_embeddings": ()}, "token_type_embeddings.weight has 0 rows"),
        ("distilbert", {"token_type_embeddings": (3, 24)}, "token_type_embeddings.weight has 3 rows"),
    ],
    ids=str,
)
def test_tables_of_another_shape_are_named(random_model, case: str, change: dict, message: str):
    _, directory = random_model(case)
    file = directory / "model.safetensors"
    tensors = safetensors.numpy.load_file(file)
    for name, shape in change.items():
        tensors.pop(f"embeddings.{name}.weight", None)
        if shape is not None:
            tensors[f"embeddings.{name}.weight"] = np.zeros(shape, np.float32)
    safetensors.numpy.save_file(tensors, file)
    with pytest.raises(CheckpointError, match=message):
        open_source(str(directory))
