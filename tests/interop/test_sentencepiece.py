"""SentencePiece vocabularies to and from Transformers."""

import json

import numpy as np
import pytest
import tensorflow as tf

from kerasbert.checkpoints import open_source, save_hugging_face
from kerasbert.checkpoints.tokenizer_files import read_tokenizer
from kerasbert.config import EncoderConfig, TextConfig
from kerasbert.models import build_backbone
from kerasbert.text import SentencePieceVocabulary, TextGraph

from ..support import other_splits

pytestmark = pytest.mark.process

TEXTS = [
    "今天天气很好，手机不错。",
    " Playing  ＧＡＭＥ\tiPhone ",
    "か\u3099ｶﾞ ㍿ 鑫",
    "playplay 不错不错",
    "",
]
PAIRS = ["手机", "", "今天 天气", "酒店太差", "很好"]
SIZES = {"num_layers": 2, "hidden_dim": 16, "num_heads": 2, "intermediate_dim": 32, "max_positions": 64}


@pytest.fixture(params=["bert", "roberta"])
def vocabulary(request, unigram) -> SentencePieceVocabulary:
    if request.param == "bert":
        return unigram
    model = unigram.parsed()
    for piece, name in zip(model.pieces, ("<pad>", "<unk>", "<s>", "</s>", "<mask>"), strict=False):
        piece.piece = name
    model.normalizer_spec.add_dummy_prefix = True
    return SentencePieceVocabulary(model.SerializeToString())


def rows(inputs) -> list[list[int]]:
    return tf.ragged.boolean_mask(inputs["token_ids"], inputs["padding_mask"] > 0).to_list()


def test_a_folder_of_ours_loads_with_the_same_ids_and_hidden_states(transformers, ask, vocabulary, tmp_path):
    config = EncoderConfig(source="scratch", activation="gelu", dropout=0.1, **SIZES)
    backbone = build_backbone(config, len(vocabulary))
    save_hugging_face(tmp_path, backbone, config, TextConfig(lowercase=False), vocabulary)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    graph = TextGraph(vocabulary, 64)
    for columns in ((TEXTS,), (TEXTS, PAIRS)):
        inputs = graph(*map(tf.constant, columns))
        theirs = tokenizer(*columns)
        assert not other_splits(vocabulary, rows(inputs), theirs["input_ids"])
        for row, segments in enumerate(theirs["token_type_ids"]):
            assert inputs["segment_ids"][row, : len(segments)].numpy().tolist() == segments
    assert tokenizer.model_max_length == 64
    assert tokenizer.mask_token_id == vocabulary.mask
    model = transformers.AutoModel.from_pretrained(tmp_path)
    hidden = ask(model, inputs)["last_hidden_state"]
    real = inputs["padding_mask"].numpy() > 0
    np.testing.assert_allclose(backbone(inputs)["sequence_output"].numpy()[real], hidden[real], atol=1e-5)
    assert open_source(str(tmp_path)).vocabulary.digest == vocabulary.digest


def test_what_their_tokenizer_saves_is_read(transformers, vocabulary, tmp_path):
    config = EncoderConfig(source="scratch", activation="gelu", dropout=0.1, **SIZES)
    backbone = build_backbone(config, len(vocabulary))
    save_hugging_face(tmp_path, backbone, config, TextConfig(lowercase=False), vocabulary)
    (tmp_path / vocabulary.file_name).unlink()
    transformers.AutoTokenizer.from_pretrained(tmp_path).save_pretrained(tmp_path / "saved")
    assert read_tokenizer(tmp_path / "saved").vocabulary.digest == vocabulary.digest


def test_xlm_roberta_s_own_class_is_read(transformers, unigram, tmp_path):
    pieces = [(token, 0.0) for token in ("<s>", "<pad>", "</s>", "<unk>")]
    pieces += [(piece.piece, piece.score) for piece in unigram.parsed().pieces[5:]] + [("<mask>", 0.0)]
    tokenizer = transformers.XLMRobertaTokenizer(vocab=pieces)
    tokenizer.save_pretrained(tmp_path)
    values = json.loads((tmp_path / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert values["tokenizer_class"].startswith("XLMRoberta")
    vocabulary = read_tokenizer(tmp_path).vocabulary
    texts = ["今天天气，手机", " play  game ", "鑫"]  # it was not given the rules of normalisation
    inputs = TextGraph(vocabulary, 64)(tf.constant(texts), tf.constant(texts[::-1]))
    assert not other_splits(vocabulary, rows(inputs), tokenizer(texts, texts[::-1])["input_ids"])
