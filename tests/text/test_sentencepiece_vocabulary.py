import pickle

import pytest

from kerasbert.errors import VocabularyError
from kerasbert.text import (
    SPECIAL_TOKENS,
    SentencePieceVocabulary,
    import_vocabulary,
    learn_sentencepiece,
    load_vocabulary,
    model_proto,
)


def changed(vocabulary: SentencePieceVocabulary, change) -> bytes:
    model = vocabulary.parsed()
    change(model)
    return model.SerializeToString()


def test_special_tokens_come_first(unigram):
    assert unigram.special_tokens == SPECIAL_TOKENS == unigram.tokens[:5]
    assert (unigram.pad, unigram.unk, unigram.cls, unigram.sep, unigram.mask) == (0, 1, 2, 3, 4)
    assert not unigram.two_separators


def test_a_saved_vocabulary_is_the_same(unigram, tmp_path):
    unigram.save(tmp_path / unigram.file_name)
    loaded = load_vocabulary(tmp_path)
    assert loaded.digest == unigram.digest
    assert loaded.tokens == unigram.tokens
    assert import_vocabulary(tmp_path / unigram.file_name).digest == unigram.digest
    assert pickle.loads(pickle.dumps(unigram)).digest == unigram.digest


def test_the_digest_is_of_what_splits_texts(unigram):
    def of_training(model):
        model.normalizer_spec.name = "other"
        model.trainer_spec.vocab_size = 3

    assert SentencePieceVocabulary(changed(unigram, of_training)).digest == unigram.digest
    other = changed(unigram, lambda model: setattr(model.pieces[9], "score", -1.5))
    assert SentencePieceVocabulary(other).digest != unigram.digest


def test_a_subset_keeps_the_order_given(unigram):
    kept = [*range(5), 9, 7]
    subset = unigram.subset(kept)
    assert subset.tokens == tuple(unigram.tokens[index] for index in kept)
    assert subset.mask == 4


def test_special_tokens_become_control_pieces(unigram):
    def spoil(model):
        model.pieces[4].type = model_proto.USER_DEFINED

    assert SentencePieceVocabulary(changed(unigram, spoil)).digest == unigram.digest


def test_spelling(unigram):
    ids = [unigram.cls, unigram.ids["今天"], unigram.ids["天气"], unigram.ids["▁"], unigram.ids["手机"]]
    assert unigram.spell(ids) == "今天天气 手机"


FAULTS = {
    "must be a unigram model. Received: one of BPE": lambda model: setattr(
        model.trainer_spec, "model_type", 2
    ),
    "byte_fallback": lambda model: setattr(model.trainer_spec, "byte_fallback", True),
    "holds no pieces": lambda model: model.ClearField("pieces"),
    "has no piece [MASK] or <mask>": lambda model: model.pieces.__delitem__(4),
    "is empty or not the only one": lambda model: model.pieces.add(piece=model.pieces[9].piece),
    "has the score nan": lambda model: setattr(model.pieces[9], "score", float("nan")),
    "must have one piece for unknown text": lambda model: setattr(
        model.pieces[9], "type", model_proto.UNKNOWN
    ),
    "must put": lambda model: setattr(model.trainer_spec, "treat_whitespace_as_suffix", True),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_other_models_are_refused(unigram, tmp_path, fault):
    path = tmp_path / "spiece.model"
    path.write_bytes(changed(unigram, FAULTS[fault]))
    with pytest.raises(VocabularyError) as error:
        import_vocabulary(path)
    assert str(path) in str(error.value)
    assert fault in str(error.value)


@pytest.mark.parametrize("content", [b"", b"\0", b"not a model", b"\x0a\xff\xff\xff\xff"])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "x.model"
    path.write_bytes(content)
    with pytest.raises(VocabularyError, match=r"x\.model: "):
        import_vocabulary(path)


@pytest.mark.parametrize("name", ["missing.model", "missing.txt", "."])
def test_missing_files_are_refused(tmp_path, name):
    with pytest.raises(VocabularyError):
        import_vocabulary(tmp_path / name)


def test_learning_is_repeatable():
    texts = ["今天天气很好", "天气不错", "今天很好"] * 3
    one, other = (learn_sentencepiece(lambda: texts, 32, 1) for _ in range(2))
    assert one.digest == other.digest
    assert "天气" in one.tokens


def test_rare_characters_are_left_out():
    texts = ["天气很好" * 60, "今"]
    assert "今" not in learn_sentencepiece(lambda: texts, 32, 2).ids
    assert "今" in learn_sentencepiece(lambda: texts, 32, 1).ids


def test_case_is_kept_on_request():
    texts = ["Ab ab"] * 5
    assert "A" not in "".join(learn_sentencepiece(lambda: texts, 32, 1).tokens[5:])
    assert "A" in "".join(learn_sentencepiece(lambda: texts, 32, 1, lowercase=False).tokens[5:])


@pytest.mark.parametrize("texts", [[], ["", " \n"], ["\0"]])
def test_without_text_there_is_nothing_to_learn(texts):
    with pytest.raises(VocabularyError, match="no character"):
        learn_sentencepiece(lambda: texts, 32, 1)


def test_too_few_pieces_are_refused():
    texts = ["".join(map(chr, range(0x4E00, 0x4E40)))]
    with pytest.raises(VocabularyError, match=r"special tokens and the characters .* are 69\."):
        learn_sentencepiece(lambda: texts, 40, 1)
