import numpy as np
import pytest

from kerasbert.augmentation.masked_lm import MaskedLM
from kerasbert.checkpoints import BackboneSource, open_source
from kerasbert.config import EncoderConfig
from kerasbert.errors import ConfigError
from kerasbert.models import build_backbone, build_pretraining_model
from kerasbert.text import SPECIAL_TOKENS, TextGraph, Vocabulary, WordPieceVocabulary

TEXT = "中华人民共和国的首都是北京。"
SIZES = {"num_layers": 1, "hidden_dim": 16, "num_heads": 2, "intermediate_dim": 32, "max_positions": 32}


def random_source(vocabulary: Vocabulary) -> BackboneSource:
    """An encoder with random weights and a masked LM head."""
    config = EncoderConfig(source="random", activation="gelu", dropout=0.1, **SIZES)
    backbone = build_backbone(config, len(vocabulary))
    model = build_pretraining_model(backbone, config, next_sentence=False)
    heads = {weight.path: weight.numpy() for weight in model.weights if weight.path.startswith("mlm_head")}
    return BackboneSource(backbone, vocabulary, config, {}, heads)


@pytest.fixture(scope="module")
def source() -> BackboneSource:
    """With single characters, and Latin words in pieces."""
    tokens = [*SPECIAL_TOKENS, *sorted(set(TEXT + "我用写程序好，")), "python", "play", "##ing", "3"]
    return random_source(WordPieceVocabulary(tokens))


@pytest.fixture(scope="module")
def substitute(source: BackboneSource) -> MaskedLM:
    return MaskedLM(source, TextGraph(source.vocabulary, 32))


@pytest.mark.process
def test_this_share_of_the_tokens_is_replaced(substitute: MaskedLM, source: BackboneSource):
    graph = TextGraph(source.vocabulary, 32)
    for seed in range(10):
        new = substitute([TEXT], 0.2, np.random.default_rng(seed))
        before, after = graph.tokenize([TEXT, *new]).to_list()
        assert len(before) == len(after) == len(TEXT)
        assert sum(a != b for a, b in zip(before, after, strict=True)) == 3


@pytest.mark.process
def test_what_it_writes_is_among_the_most_probable():
    bundled = open_source("kerasbert-tiny-zh")
    graph = TextGraph(bundled.vocabulary, 32)
    substitute = MaskedLM(bundled, graph)
    new = substitute([TEXT] * 100, 0.01, np.random.default_rng(0))
    assert TEXT not in new
    places = int(graph.tokenize([TEXT]).row_lengths()[0])
    assert places < len(set(new)) <= 5 * places, "five candidates a place, not the whole vocabulary"


def test_texts_come_back_spelt_as_the_encoder_sees_them(substitute: MaskedLM, source: BackboneSource):
    graph = TextGraph(source.vocabulary, 32)
    texts = ["我用 Python 3 写程序，play", "", "，。"]
    changed = substitute(texts, 0.01, np.random.default_rng(0))
    assert changed[1] == ""
    for old, new in zip(texts, changed, strict=True):
        before, after = (graph.tokenize([text])[0].numpy().tolist() for text in (old, new))
        assert len(before) == len(after)
        assert sum(a != b for a, b in zip(before, after, strict=True)) <= 1


def test_a_batch_is_filled_in_like_its_rows(substitute: MaskedLM, source: BackboneSource):
    texts, graph = ["好", TEXT, "北京是中国的首都"] * 30, TextGraph(source.vocabulary, 32)
    changed = substitute(texts, 0.1, np.random.default_rng(0))
    lengths = [graph.tokenize(rows).row_lengths().numpy().tolist() for rows in (changed, texts)]
    assert lengths[0] == lengths[1]
    assert all(new != old for new, old in zip(changed, texts, strict=True))


@pytest.mark.process
def test_whole_words_of_sentencepiece_are_replaced(unigram):
    graph = TextGraph(unigram, 32)
    substitute = MaskedLM(random_source(unigram), graph)
    texts = ["今天天气，手机 酒店 game。"] * 20
    changed = substitute(texts, 0.01, np.random.default_rng(0))
    for old, new in zip(texts, changed, strict=True):
        before, after = ([word.decode() for word in words] for words in graph.words([old, new]).to_list())
        assert len(before) == len(after)
        assert sum(a != b for a, b in zip(before, after, strict=True)) == 1
        assert new.count(" ") == 2
        assert new[-1] == "。"


def test_a_source_without_the_head_is_refused(source: BackboneSource):
    with pytest.raises(ConfigError, match=r"needs a backbone\.source with a masked LM head"):
        MaskedLM(None, TextGraph(source.vocabulary, 32))
