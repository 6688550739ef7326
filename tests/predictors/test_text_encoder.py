"""Vectors are what NumPy makes of the encoder's outputs, whoever computes them."""

import itertools

import numpy as np
import pytest
from sentencepiece import SentencePieceProcessor

from kerasbert.checkpoints import open_source
from kerasbert.errors import CheckpointError, DataError, UserError
from kerasbert.predictors import open_encoder, open_model
from kerasbert.predictors.pretrained import PretrainedEncoder
from kerasbert.predictors.saved_model import SavedModel
from kerasbert.predictors.text_encoder import embed_rows, vector_size
from kerasbert.predictors.texts import TextRow
from kerasbert.predictors.trained import TrainedModel

TEXTS = ["手机很好", "", "酒店太差😀", "a\0b", "快递" * 30]
POOLED = {
    "mean": lambda hidden: hidden.mean(axis=0),
    "cls": lambda hidden: hidden[0],
    "max": lambda hidden: hidden.max(axis=0),
}


@pytest.fixture(scope="session")
def bundled() -> PretrainedEncoder:
    return open_encoder("kerasbert-tiny-zh")


@pytest.fixture(scope="session")
def exported_model(exported) -> SavedModel:
    return open_model(exported)


@pytest.mark.process
@pytest.mark.parametrize("pooling", POOLED)
def test_a_vector_is_pooled_over_the_real_tokens_special_ones_included(trained, pooling):
    backbone = trained.model.keras_model.get_layer("backbone")
    vectors = trained.model.embed(TEXTS, pooling=pooling)
    assert vectors.dtype == np.float32
    for text, vector in zip(TEXTS, vectors, strict=True):
        inputs = trained.model.keras_inputs(text)
        hidden = backbone(inputs)["sequence_output"].numpy()[0][inputs["padding_mask"][0] > 0]
        np.testing.assert_allclose(vector, POOLED[pooling](hidden), atol=1e-5)


@pytest.mark.process
@pytest.mark.parametrize("pooling", POOLED)
def test_an_encoder_alone_reads_with_its_own_tokenizer(bundled, pooling):
    source = open_source("kerasbert-tiny-zh")
    pieces = SentencePieceProcessor(model_file=str(source.directory / "sentencepiece.model"))
    row = [source.vocabulary.cls, *pieces.encode("今天天气很好"), source.vocabulary.sep]
    inputs = {
        "token_ids": np.array([row]),
        "segment_ids": np.zeros([1, len(row)], int),
        "padding_mask": np.ones([1, len(row)], int),
    }
    hidden = source.backbone(inputs)["sequence_output"].numpy()[0]
    (vector,) = bundled.embed("今天天气很好", pooling=pooling)
    np.testing.assert_allclose(vector, POOLED[pooling](hidden), atol=1e-5)


@pytest.mark.process
def test_an_encoder_alone_reads_as_many_tokens_as_it_has_positions(bundled):
    positions = open_source("kerasbert-tiny-zh").config.max_positions
    short, full, longer = ("县" * count for count in (positions - 3, positions - 2, positions + 50))
    vectors = bundled.embed([short, full, longer])
    np.testing.assert_allclose(vectors[1], vectors[2], atol=1e-5)
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-4


def test_normalized_vectors_have_the_length_one_and_the_same_direction(trained):
    plain, unit = trained.model.embed(TEXTS), trained.model.embed(TEXTS, normalize=True)
    assert unit.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(unit * np.linalg.norm(plain, axis=1, keepdims=True), plain, atol=1e-5)


def test_a_prefix_is_part_of_each_text(trained):
    expected = trained.model.embed([f"query: {text}" for text in TEXTS])
    np.testing.assert_allclose(trained.model.embed(TEXTS, prefix="query: "), expected, atol=1e-6)


@pytest.mark.parametrize("size", [1, 3, 2000])
def test_batches_have_at_most_the_wanted_size_and_change_no_vector(trained, monkeypatch, size):
    sizes = []
    batch = TrainedModel.embed_batch
    monkeypatch.setattr(
        TrainedModel,
        "embed_batch",
        lambda self, texts, *more: sizes.append(len(texts)) or batch(self, texts, *more),
    )
    texts = [f"{number}好" for number in range(1500)]
    vectors = trained.model.embed(texts[: 5 * size], batch_size=size)
    assert max(sizes) == min(size, len(texts))
    np.testing.assert_allclose(vectors[:9], trained.model.embed(texts)[: len(vectors)][:9], atol=1e-5)


def test_an_endless_stream_has_vectors(trained):
    rows = (TextRow(f"{number}") for number in itertools.count())
    found = list(itertools.islice(embed_rows(trained.model, rows), 1100))
    assert [row.text for row, _ in found] == [str(number) for number in range(1100)]
    np.testing.assert_allclose(found[1050][1], trained.model.embed("1050")[0], atol=1e-5)


def test_no_texts_have_no_vectors(trained, bundled):
    assert trained.model.embed([]).shape == (0, 16)
    assert bundled.embed([]).shape == (0, vector_size(bundled))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pooling": "sum"}, r"^pooling: must be one of mean, cls, max. Received: 'sum'"),
        ({"pooling": ""}, r"^pooling: must be one of mean, cls, max. Received: ''"),
        ({"prefix": None}, r"^prefix: must be a text \(str\). Received: None"),
        ({"prefix": "\ud800"}, r"^prefix: holds half of a surrogate pair"),
        ({"batch_size": 0}, r"^batch_size: must be a whole number from 1 to 1000000. Received: 0"),
        ({"batch_size": 2.5}, r"^batch_size: must be a whole number from 1 to 1000000. Received: 2.5"),
        ({"batch_size": 10**30}, r"^batch_size: must be a whole number from 1 to 1000000. Received: 1000"),
        ({"batch_size": True}, r"^batch_size: must be a whole number from 1 to 1000000. Received: True"),
        ({"pairs": "好"}, r"takes single texts, not pairs"),
    ],
)
def test_wrong_arguments_are_refused(bundled, trained, arguments, message):
    for encoder in (bundled, trained.model):
        with pytest.raises(UserError, match=message):
            encoder.embed("好", **arguments)


def test_what_is_no_text_is_refused(bundled):
    with pytest.raises(DataError, match=r"texts\[1\]: must be a text \(str\). Received: None"):
        bundled.embed(["好", None])


@pytest.mark.process
def test_an_export_with_the_signature_gives_the_vectors_of_its_run(trained, exported_model):
    np.testing.assert_allclose(exported_model.embed(TEXTS), trained.model.embed(TEXTS), atol=1e-5)
    unit = exported_model.embed(TEXTS, normalize=True, prefix="a")
    np.testing.assert_allclose(unit, trained.model.embed(TEXTS, normalize=True, prefix="a"), atol=1e-5)
    assert exported_model.embed([]).shape == (0, 16)


@pytest.mark.process
@pytest.mark.parametrize("texts", ["好", []])
def test_an_export_has_the_mean_alone(exported_model, texts):
    with pytest.raises(UserError, match=r"its signature `embed` gives the mean of the tokens, not cls\."):
        exported_model.embed(texts, pooling="cls")


@pytest.mark.process
@pytest.mark.parametrize("texts", ["好", []])
def test_an_export_without_the_signature_says_how_to_make_it(exported_model, monkeypatch, texts):
    monkeypatch.setattr(exported_model, "_names", frozenset())
    with pytest.raises(CheckpointError, match=r"kerasbert export RUN MODEL_DIR --signature embed$"):
        exported_model.embed(texts)


@pytest.mark.process
def test_a_run_opens_with_its_fine_tuned_encoder(trained):
    opened = open_encoder(trained.run.path)
    assert isinstance(opened, TrainedModel)
    np.testing.assert_array_equal(opened.embed(TEXTS), trained.model.embed(TEXTS))


@pytest.mark.process
def test_an_export_opens_as_a_model_with_or_without_the_version(exported):
    for path in (exported, exported.parent):
        assert repr(open_encoder(path)) == f"SavedModel('{exported}')"


@pytest.mark.process
def test_in_bfloat16_vectors_are_nearly_the_same(trained, bundled):
    for source, usual in ((trained.run.path, trained.model), ("kerasbert-tiny-zh", bundled)):
        vectors = open_encoder(source, precision="bfloat16").embed(TEXTS, normalize=True)
        assert vectors.dtype == np.float32
        expected = usual.embed(TEXTS, normalize=True)
        np.testing.assert_array_less(0.999, (vectors * expected).sum(axis=1))
        assert np.abs(vectors - expected).max() > 1e-5
    np.testing.assert_array_equal(
        open_encoder(trained.run.path, "float32").embed(TEXTS), trained.model.embed(TEXTS)
    )


@pytest.mark.parametrize("precision", ["float16", "mixed_bfloat16", "", 16])
def test_another_precision_is_refused(precision):
    with pytest.raises(UserError, match=r"^precision: must be one of float32, bfloat16\. Received: "):
        open_encoder("kerasbert-tiny-zh", precision)


@pytest.mark.process
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_an_export_keeps_its_own_precision(exported, precision):
    for source, what in ((exported, "an export"), ("http://127.0.0.1:9/v1/models/mine", "a server")):
        with pytest.raises(UserError, match=rf"^precision: .* is {what}, which has its own"):
            open_encoder(source, precision)


def test_what_is_no_encoder_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match=r"is no checkpoint that kerasbert knows") as caught:
        open_encoder(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("given", [None, 7, b"runs/mine"])
def test_what_is_no_path_is_refused(given):
    with pytest.raises(UserError, match=r"^source: must be a path"):
        open_encoder(given)


def test_an_encoder_shows_where_it_comes_from(bundled):
    assert repr(bundled) == "PretrainedEncoder('kerasbert-tiny-zh')"
