import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from kerasbert.checkpoints import open_source, save_hugging_face, trim_checkpoint
from kerasbert.config import EncoderConfig, TextConfig
from kerasbert.data.read_options import ReadOptions
from kerasbert.errors import UserError
from kerasbert.models import build_backbone
from kerasbert.text import SPECIAL_TOKENS, TextGraph

TEXTS = ("酒店很好", "早餐playing", "酒店很好，很好")


@pytest.fixture
def texts(tmp_path: Path) -> list[str]:
    (tmp_path / "one.txt").write_text("\n".join(TEXTS[:2]), encoding="utf-8")
    with gzip.open(tmp_path / "two.txt.gz", "wt", encoding="utf-8") as file:
        file.write(f"{TEXTS[2]}\n\n")
    return [str(tmp_path / "one.txt"), str(tmp_path / "two.txt.gz")]


@pytest.fixture
def sentencepiece_folder(unigram, tmp_path: Path) -> Path:
    config = EncoderConfig(
        num_layers=3, hidden_dim=16, num_heads=2, intermediate_dim=24, max_positions=32, activation="gelu"
    )
    save_hugging_face(
        tmp_path / "unigram", build_backbone(config, len(unigram)), config, TextConfig(), unigram
    )
    return tmp_path / "unigram"


def hidden_states(source, texts) -> list[np.ndarray]:
    inputs = TextGraph(source.vocabulary, max_length=32, **source.text)(tf.constant(texts))
    return [state.numpy() for state in source.backbone(inputs, return_hidden_states=True)["hidden_states"]]


def assert_same_states(before: str | Path, after: str | Path, texts, layers: int | None = None) -> None:
    ours, theirs = (hidden_states(open_source(str(path)), texts) for path in (after, before))
    kept = len(theirs) if layers is None else layers + 1
    assert len(ours) == kept
    assert all(map(np.array_equal, ours, theirs[:kept]))


def test_hidden_states_of_the_texts_are_bitwise_the_same(hugging_face, tensors, tokens, texts, tmp_path):
    directory = hugging_face(tensors)
    found = trim_checkpoint(str(directory), tmp_path / "out", texts)
    assert found["before"]["vocabulary_size"] == len(tokens)
    opened = open_source(str(tmp_path / "out"))
    assert opened.vocabulary.tokens == (*SPECIAL_TOKENS, *"酒店早餐很好", "play", "##ing")
    assert opened.head_names == ["mlm_head", "nsp_head"]
    rows = [tokens.index(token) for token in opened.vocabulary.tokens]
    bias = tensors["cls.predictions.bias"]
    np.testing.assert_array_equal(opened.heads["mlm_head/output_bias"], bias[rows])
    assert_same_states(directory, tmp_path / "out", TEXTS)


def test_a_sentencepiece_model_is_cut_down_too(sentencepiece_folder, unigram, tmp_path):
    texts = ["今天天气很好", "手机 手机", ""]
    (tmp_path / "texts.txt").write_text("\n".join(texts), encoding="utf-8")
    found = trim_checkpoint(str(sentencepiece_folder), tmp_path / "out", [str(tmp_path / "texts.txt")])
    assert found["after"]["vocabulary_size"] < len(unigram) == found["before"]["vocabulary_size"]
    assert found["coverage"] == 1
    assert_same_states(sentencepiece_folder, tmp_path / "out", texts)


def test_the_counts_are_right(hugging_face, tensors, texts, tmp_path: Path):
    directory = hugging_face(tensors)
    found = trim_checkpoint(str(directory), tmp_path / "out", texts, layers=1)
    # 酒店很好 / 早餐 play ##ing / 酒店很好 [UNK] 很好 / nothing
    assert (found["texts"], found["tokens"]) == (4, 4 + 4 + 7)
    assert found["before"]["unknown"] == found["after"]["unknown"] == 1 / 15
    assert found["coverage"] == 1
    assert found["unseen"] == pytest.approx(5 / 15)  # 早, 餐, play, ##ing, [UNK]
    assert (found["before"]["num_layers"], found["after"]["num_layers"]) == (2, 1)
    for side, path in (("before", directory), ("after", tmp_path / "out")):
        weights = open_source(str(path)).weights
        assert found[side]["parameters"] == sum(weight.size for weight in weights.values())
    assert json.loads(json.dumps(found)) == found


def test_rare_tokens_are_left_out_but_not_the_characters_of_the_texts(
    hugging_face, tensors, texts, tmp_path: Path
):
    found = trim_checkpoint(str(hugging_face(tensors)), tmp_path / "out", texts, min_count=2)
    tokens = open_source(str(tmp_path / "out")).vocabulary.tokens
    assert tokens == (*SPECIAL_TOKENS, *"酒店早餐很好")
    assert found["coverage"] == 13 / 15
    assert (found["before"]["unknown"], found["after"]["unknown"]) == (1 / 15, 2 / 14)  # playing
    assert found["unseen"] == pytest.approx(5 / 15 + 2 / 15)


@pytest.mark.parametrize("layers", [1, 2])
def test_the_first_layers_stay(hugging_face, tensors, texts, tmp_path: Path, layers: int):
    directory = hugging_face(tensors)
    found = trim_checkpoint(str(directory), tmp_path / "out", texts, layers=layers)
    assert_same_states(directory, tmp_path / "out", TEXTS, layers)
    assert any("trained on layer 2" in note for note in found["notes"]) == (layers < 2)


def test_added_tokens_stay(hugging_face, tensors, tokens, texts, tmp_path: Path):
    decoder = {str(tokens.index("太")): {"content": "太", "normalized": False}}
    trim_checkpoint(str(hugging_face(tensors, {"added_tokens_decoder": decoder})), tmp_path / "out", texts)
    opened = open_source(str(tmp_path / "out"))
    assert opened.added_tokens == ["太"]
    assert "太" in opened.vocabulary.tokens


def test_both_texts_of_pairs_count(hugging_face, tensors, tmp_path: Path):
    (tmp_path / "pairs.csv").write_text("a,b\n酒,店\n", encoding="utf-8")
    reading = ReadOptions(text_column="a", pair_column="b")
    trim_checkpoint(
        str(hugging_face(tensors)), tmp_path / "out", [str(tmp_path / "pairs.csv")], reading=reading
    )
    assert {"酒", "店"} <= set(open_source(str(tmp_path / "out")).vocabulary.tokens)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers": 0}, "--layers: must be from 1 to 2"),
        ({"layers": 3}, r"--layers: must be from 1 to 2.*Received: 3"),
        ({"texts": ["none.txt"]}, "none.txt: cannot be read"),
        ({"texts": ["-"]}, "standard input: can be read only once"),
        ({"texts": ["EMPTY"]}, "there is no text in"),
    ],
    ids=str,
)
def test_mistakes_leave_nothing_behind(hugging_face, tensors, texts, tmp_path, change: dict, message: str):
    (tmp_path / "empty.txt").write_text("\n \n")
    arguments = {"texts": texts, **change}
    arguments["texts"] = [
        str(tmp_path / "empty.txt") if name == "EMPTY" else name for name in arguments["texts"]
    ]
    with pytest.raises(UserError, match=message):
        trim_checkpoint(str(hugging_face(tensors)), tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()
