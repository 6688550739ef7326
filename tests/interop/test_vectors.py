"""Vectors are those of Sentence Transformers, and of a mean over Transformers' outputs."""

import numpy as np
import pytest

from kerasbert.predictors import open_encoder

from .conftest import TEXTS, TOKENS

ENGLISH = ["The battery lasts two days.", "", "naïve café!", "long " * 400, "今天 is a good day"]


@pytest.fixture(scope="session")
def sentence_transformers(transformers):
    return pytest.importorskip("sentence_transformers", reason="Sentence Transformers is not installed")


@pytest.fixture
def random_bert(tmp_path, torch, transformers):
    """A BERT with random weights and a vocabulary of ours, as Transformers saves it."""
    torch.manual_seed(0)
    (tmp_path / "vocab.txt").write_text("\n".join(TOKENS), encoding="utf-8")
    config = transformers.BertConfig(
        vocab_size=len(TOKENS), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=32, initializer_range=0.3,
    )  # fmt: skip
    folder = tmp_path / "bert"
    transformers.BertModel(config).save_pretrained(folder)
    transformers.BertTokenizer(str(tmp_path / "vocab.txt"), model_max_length=32).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("normalize", [False, True])
def test_the_mean_is_that_over_transformers_attention_mask(random_bert, torch, transformers, normalize):
    tokenizer = transformers.AutoTokenizer.from_pretrained(random_bert)
    batch = tokenizer([f"很 {text}" for text in TEXTS], padding=True, return_tensors="pt")
    with torch.no_grad():
        hidden = transformers.AutoModel.from_pretrained(random_bert).eval()(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None]
    expected = (hidden * mask).sum(1) / mask.sum(1)
    if normalize:
        expected = torch.nn.functional.normalize(expected)
    vectors = open_encoder(random_bert).embed(TEXTS, normalize=normalize, prefix="很 ")
    np.testing.assert_allclose(vectors, expected.numpy(), atol=1e-5)


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_a_folder_of_sentence_transformers_gives_its_vectors(
    random_bert, sentence_transformers, tmp_path, pooling
):
    from sentence_transformers.sentence_transformer import modules

    transformer = modules.Transformer(str(random_bert), max_seq_length=9)
    theirs = sentence_transformers.SentenceTransformer(
        modules=[transformer, modules.Pooling(16, pooling_mode=pooling)], device="cpu"
    )
    theirs.save(str(tmp_path / "saved"))
    texts = [*TEXTS, "好" * 40]
    ours = open_encoder(tmp_path / "saved").embed(texts)
    np.testing.assert_allclose(ours, theirs.encode(texts), atol=1e-5)


@pytest.mark.parametrize("prompt", ["", "query: "])
def test_a_published_encoder_gives_its_vectors(minilm, sentence_transformers, prompt):
    theirs = sentence_transformers.SentenceTransformer(str(minilm), device="cpu")
    ours = open_encoder(minilm).embed(ENGLISH, normalize=True, prefix=prompt)
    np.testing.assert_allclose(ours, theirs.encode(ENGLISH, prompt=prompt), atol=1e-5)
