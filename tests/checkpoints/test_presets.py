import zlib
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import kerasbert
from kerasbert.checkpoints import open_source
from kerasbert.models import build_pretraining_model
from kerasbert.text import TextGraph

PRESETS = Path(kerasbert.__file__).parent / "presets"
SENTENCES = [
    "这个文件中的数据可以用来训练模型。",
    "根据本法的规定，公民的合法权益受法律保护。",
    "请点击右上角的按钮，然后选择需要的选项。",
    "如果没有其他问题，我们就可以开始使用这个功能了。",
]


@pytest.fixture(scope="module")
def source():
    return open_source("kerasbert-tiny-zh")


def test_it_is_small_and_tells_its_texts(source):
    folder = PRESETS / "kerasbert-tiny-zh"
    assert sum(len(zlib.compress(path.read_bytes())) for path in folder.iterdir()) < 8e6  # in the wheel
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert f"{len(source.vocabulary):,} tokens" in card
    assert f"{source.backbone.count_params():,}" in card
    assert source.vocabulary.digest[:12] in card


def test_its_vocabulary_holds_chinese_punctuation(source):
    ids = TextGraph(source.vocabulary, 64, **source.text)(tf.constant(["“”‘’…—，。！？《》"]))["token_ids"]
    assert source.vocabulary.unk not in ids.numpy()


def test_it_guesses_masked_tokens(source):
    """Each token of sentences written for this test, masked in turn: far above chance."""
    model = build_pretraining_model(source.backbone, source.config, next_sentence=False)
    assert source.copy_heads_to(model) == ["mlm_head"]
    graph = TextGraph(source.vocabulary, 64, **source.text)
    ranks = []
    for sentence in SENTENCES:
        inputs = {name: value.numpy() for name, value in graph(tf.constant([sentence])).items()}
        places = np.arange(1, inputs["padding_mask"].sum() - 1)
        rows = {name: np.repeat(value, len(places), 0) for name, value in inputs.items()}
        truth = rows["token_ids"][0, places]
        rows["token_ids"][np.arange(len(places)), places] = source.vocabulary.mask
        logits = model({**rows, "mask_positions": places[:, None]})["mlm"].numpy()[:, 0]
        ranks += list((logits > logits[np.arange(len(places)), truth][:, None]).sum(1))
    assert np.median(ranks) < 100  # of 14,000
