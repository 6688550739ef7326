import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasbert.corpus import CorpusSettings
from kerasbert.corpus.examples import NEXT, NO_PAIR, NOT_NEXT, make_examples
from kerasbert.corpus.tokenize import Sentence, TokenizedDocument
from kerasbert.text import SPECIAL_TOKENS, WordPieceVocabulary

VOCABULARY = WordPieceVocabulary([*SPECIAL_TOKENS, *map(str, range(100, 3000))])


def documents(lengths: list[list[int]]) -> list[TokenizedDocument]:
    """Documents of sentences with so many tokens; token ids count on through a document."""
    made = []
    for number, of_document in enumerate(lengths):
        sentences, token = [], 10 + 100 * number
        for length in of_document:
            sentences.append(Sentence(list(range(token, token + length)), [True] * length))
            token += length
        made.append(TokenizedDocument(f"{number:03d}", sentences))
    return made


def examples(lengths, seed=0, **values):
    config = CorpusSettings(**{"max_length": 24, **values})
    return list(make_examples(documents(lengths), VOCABULARY, config, np.random.default_rng(seed)))


lengths_of_documents = st.lists(st.lists(st.integers(1, 12), min_size=1, max_size=6), min_size=1, max_size=6)


@settings(deadline=None)
@given(lengths_of_documents, st.integers(0, 99), st.sampled_from(["nsp", "sop", "none"]))
def test_every_example_is_well_formed(lengths, seed, pairs):
    for example in examples(lengths, seed, pairs=pairs):
        ids, words = np.array(example.ids), np.array(example.words)
        assert len(ids) == len(words) <= 24
        assert ids[0] == VOCABULARY.cls
        assert ids[-1] == VOCABULARY.sep
        special = np.isin(ids, (VOCABULARY.cls, VOCABULARY.sep))
        assert (special == (words == 0)).all()
        assert special.sum() == (2 if example.label == NO_PAIR else 3)
        assert ids[example.second - 1] == VOCABULARY.sep
        # Each token is a word of its own here, numbered without a gap.
        assert words[~special].tolist() == list(range(1, 1 + (~special).sum()))


@settings(deadline=None)
@given(lengths_of_documents, st.integers(0, 99))
def test_labels_tell_the_truth(lengths, seed):
    for example in examples(lengths, seed):
        first, second = example.ids[1 : example.second - 1], example.ids[example.second : -1]
        of_first = {token // 100 for token in (first[0] - 10, first[-1] - 10)}
        assert len(of_first) == 1
        if example.label == NEXT:
            assert {(token - 10) // 100 for token in second} == of_first
            assert second[0] > first[-1]
        elif example.label == NOT_NEXT:
            assert not {(token - 10) // 100 for token in second} & of_first
        else:
            assert not second


def test_sentence_order_prediction_swaps():
    labels = set()
    for example in examples([[4, 4]] * 50, pairs="sop"):
        first, second = example.ids[1 : example.second - 1], example.ids[example.second : -1]
        assert (first[0] < second[0]) == (example.label == NEXT)
        labels.add(example.label)
    assert labels == {NEXT, NOT_NEXT}


def test_pairs_are_balanced():
    labels = [example.label for example in examples([[3, 4, 3, 4]] * 2000, short_share=0.0)]
    paired = sum(label != NO_PAIR for label in labels)
    # Four standard deviations of a fair coin.
    assert abs(labels.count(NEXT) / paired - 0.5) < 4 * 0.5 / np.sqrt(paired)


def test_single_sentences_make_no_negatives():
    assert {example.label for example in examples([[5]] * 20)} == {NO_PAIR}


def test_a_single_document_has_no_negatives():
    assert {example.label for example in examples([[5] * 20])} <= {NEXT, NO_PAIR}


@pytest.mark.parametrize("pairs", ["none", "sop", "nsp"])
def test_no_sentence_is_lost(pairs):
    lengths = [[3, 4, 5], [2], [6, 6, 6, 6]]
    config = {"pairs": pairs, "short_share": 0.3, "max_length": 64}
    for seed in range(20):
        made = examples(lengths, seed, **config)
        seen = {token for example in made for token in example.ids}
        everything = {token for d in documents(lengths) for s in d.sentences for token in s.ids}
        assert everything <= seen


def test_a_very_long_sentence_is_cut():
    (example,) = examples([[90]])
    assert len(example.ids) == 24
