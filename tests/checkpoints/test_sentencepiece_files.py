"""SentencePiece models as Transformers stores them: their own files, or tokenizer.json alone."""

import json
from pathlib import Path

import pytest
import sentencepiece
import tensorflow as tf
from tokenizers import AddedToken, Tokenizer

from kerasbert.checkpoints.sentencepiece_files import tokenizer_json
from kerasbert.checkpoints.tokenizer_files import read_tokenizer, write_tokenizer
from kerasbert.config import TextConfig
from kerasbert.errors import UserError
from kerasbert.text import SentencePieceVocabulary, TextGraph, model_proto

from ..support import other_splits

TEXTS = [
    "今天天气很好，手机不错。",
    " Playing  ＧＡＭＥ iPhone ",
    "酒店太差　　酒店",
    "か\u3099ｶﾞ ㍿",
    "unbekannt 鑫",
    "",
]


@pytest.fixture
def xlm_r(unigram) -> bytes:
    """The pieces in the file of an XLM-R: its own special tokens, without padding and mask."""
    model = unigram.parsed()
    pieces = list(model.pieces[5:])
    del model.pieces[:]
    for token, kind in (
        ("<unk>", model_proto.UNKNOWN),
        ("<s>", model_proto.CONTROL),
        ("</s>", model_proto.CONTROL),
    ):
        model.pieces.add(piece=token, type=kind)
    model.pieces.extend(pieces)
    model.trainer_spec.unk_id, model.trainer_spec.bos_id, model.trainer_spec.eos_id = 0, 1, 2
    model.trainer_spec.pad_id = -1
    model.trainer_spec.unk_piece, model.trainer_spec.bos_piece, model.trainer_spec.eos_piece = (
        "<unk>",
        "<s>",
        "</s>",
    )
    model.normalizer_spec.add_dummy_prefix = True
    return model.SerializeToString()


@pytest.fixture
def roberta(xlm_r, tmp_path) -> SentencePieceVocabulary:
    folder = tmp_path / "xlm-r"
    folder.mkdir()
    (folder / "sentencepiece.bpe.model").write_bytes(xlm_r)
    return read_tokenizer(folder).vocabulary


@pytest.fixture(params=["bert", "roberta"])
def vocabulary(request, unigram) -> SentencePieceVocabulary:
    return unigram if request.param == "bert" else request.getfixturevalue("roberta")


@pytest.fixture
def folder(roberta, tmp_path: Path) -> Path:
    """A folder with a tokenizer.json alone."""
    folder = tmp_path / "fast"
    folder.mkdir()
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer_json(roberta)), encoding="utf-8")
    return folder


def test_xlm_r_ids_are_one_more_than_the_numbers_of_its_pieces(xlm_r, roberta):
    assert roberta.special_tokens == ("<pad>", "<unk>", "<s>", "</s>", "<mask>")
    ids = (roberta.cls, roberta.pad, roberta.sep, roberta.unk, roberta.mask)
    assert ids == (0, 1, 2, 3, len(roberta) - 1)
    processor = sentencepiece.SentencePieceProcessor(model_proto=xlm_r)
    wanted = [[id + 1 if id else roberta.unk for id in processor.encode(text)] for text in TEXTS]
    assert TextGraph(roberta, 16).tokenize(tf.constant(TEXTS)).to_list() == wanted


def test_rows_of_xlm_r_have_one_segment_and_two_separators(roberta):
    row = TextGraph(roberta, 16)(tf.constant(["今天"]), tf.constant(["手机"]))
    spelled = "".join(roberta.tokens[id] for id in row["token_ids"][0])
    assert spelled == "<s>▁今天</s></s>▁手机</s>" + "<pad>" * (len(row["token_ids"][0]) - 8)
    assert not row["segment_ids"].numpy().any()
    single = TextGraph(roberta, 16)(tf.constant([""]))
    assert single["token_ids"].numpy().tolist() == [[0, 2, *[1] * 6]]


@pytest.mark.parametrize("max_length", [8, 9, 16])
def test_pairs_are_truncated_to_the_length_as_by_tokenizers(roberta, folder, max_length: int):
    theirs = Tokenizer.from_file(str(folder / "tokenizer.json"))
    theirs.enable_truncation(max_length, strategy="longest_first")
    pairs = [
        ("今天天气很好手机", "不错"),
        ("不错", "酒店太差今天天气很好"),
        ("今天天气手机酒店", "手机酒店今天天气很好"),
    ]
    graph = TextGraph(roberta, max_length)
    rows = graph(*(tf.constant(column) for column in zip(*pairs, strict=True)))
    ours = tf.ragged.boolean_mask(rows["token_ids"], rows["padding_mask"] > 0).to_list()
    assert ours == [encoding.ids for encoding in theirs.encode_batch(pairs)]


def test_what_is_written_is_read_again(vocabulary, tmp_path):
    write_tokenizer(tmp_path, TextConfig(lowercase=False, ascii_punctuation=True), vocabulary, 128)
    found = read_tokenizer(tmp_path)
    assert found.vocabulary.digest == vocabulary.digest
    assert found.text == {"lowercase": False, "ascii_punctuation": True}
    (tmp_path / vocabulary.file_name).unlink()
    assert read_tokenizer(tmp_path).vocabulary.digest == vocabulary.digest
    (tmp_path / "tokenizer_config.json").unlink()
    assert read_tokenizer(tmp_path).vocabulary.digest == vocabulary.digest


def test_tokenizers_gives_the_same_ids_up_to_equal_scores(vocabulary, tmp_path):
    write_tokenizer(tmp_path, TextConfig(), vocabulary, 128)
    theirs = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    graph = TextGraph(vocabulary, 64)
    rows = graph(tf.constant(TEXTS))
    ours = tf.ragged.boolean_mask(rows["token_ids"], rows["padding_mask"] > 0).to_list()
    assert not other_splits(vocabulary, ours, [encoding.ids for encoding in theirs.encode_batch(TEXTS)])
    pairs = [("今天", "手机 酒店"), ("", "")]
    rows = graph(*(tf.constant(column) for column in zip(*pairs, strict=True)))
    for row, encoding in enumerate(theirs.encode_batch(pairs)):
        length = len(encoding.ids)
        assert rows["token_ids"][row, :length].numpy().tolist() == encoding.ids
        assert rows["segment_ids"][row, :length].numpy().tolist() == encoding.type_ids


def test_added_tokens_are_pieces_of_the_model(folder, roberta):
    path = folder / "tokenizer.json"
    theirs = Tokenizer.from_file(str(path))
    theirs.add_special_tokens([AddedToken("<e1>", normalized=False)])
    theirs.add_tokens([AddedToken("<e2>", normalized=True)])
    theirs.save(str(path))
    found = read_tokenizer(folder)
    vocabulary = found.vocabulary
    assert "its added tokens (<e1>, <e2>)" in found.notes[0]
    assert vocabulary.tokens == (*roberta.tokens, "<e1>", "<e2>")
    texts = tf.constant(["<e1> 今天天气", "今<e1>天<e2>"])
    spelled = [
        [vocabulary.tokens[id] for id in ids] for ids in TextGraph(vocabulary, 16).tokenize(texts).to_list()
    ]
    assert spelled[0][:3] == ["▁", "<e1>", "▁"]
    assert spelled[1][-1] == "<e2>"
    assert "<e1>" in spelled[1]
    write_tokenizer(folder, TextConfig(), vocabulary, 128)
    assert read_tokenizer(folder).vocabulary.digest == vocabulary.digest


def test_early_files_are_read(folder, roberta):
    values = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    del values["model"]["type"], values["model"]["byte_fallback"]
    values["pre_tokenizer"] = {"type": "Metaspace", "replacement": "▁", "add_prefix_space": True}
    (folder / "tokenizer.json").write_text(json.dumps(values), encoding="utf-8")
    assert read_tokenizer(folder).vocabulary.digest == roberta.digest
    values["pre_tokenizer"] = {
        "type": "Sequence",
        "pretokenizers": [{"type": "WhitespaceSplit"}, values["pre_tokenizer"]],
    }
    values["normalizer"] = values["normalizer"]["normalizers"][0]
    values["post_processor"] = {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0]}
    (folder / "tokenizer.json").write_text(json.dumps(values), encoding="utf-8")
    assert read_tokenizer(folder).vocabulary.digest == roberta.digest


LOWERCASE = {"type": "Lowercase"}
TEMPLATE = [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t["model"].update(type="BPE"), "byte-pair encoding"),
        (lambda t: t["model"].update(unk_id=None), "one piece for unknown text"),
        (lambda t: t["model"].update(vocab=["a"]), "vocab, a list of pieces with scores"),
        (lambda t: t["model"].update(vocab=[["a", "b"]]), "vocab, a list of pieces with scores"),
        (lambda t: t["model"].update(vocab=[[7, 0.0]]), "vocab, a list of pieces with scores"),
        (
            lambda t: t["model"].update(vocab=[["a", 1e300]]),
            "vocab, a list of pieces with scores|has the score",
        ),
        (lambda t: t["model"].update(vocab=[["\ud800", 0.0]]), "vocab, a list of pieces with scores"),
        (lambda t: t["model"].pop("vocab"), "vocab, a list of pieces with scores"),
        (lambda t: t["model"].update(byte_fallback=True), "byte_fallback must be false"),
        (lambda t: t["model"]["vocab"].pop(), r"no piece \[MASK\] or <mask>"),
        (lambda t: t["model"]["vocab"].append(["今天", -1.0]), "'今天', is empty or not the only one"),
        (lambda t: t.update(normalizer=LOWERCASE), "normalizer must be a Precompiled one.*Lowercase"),
        (lambda t: t["normalizer"]["normalizers"].append({"type": "NFKC"}), "normalizer must be.*NFKC"),
        (lambda t: t["normalizer"]["normalizers"][0].update(precompiled_charsmap="!"), "charsmap is damaged"),
        (lambda t: t["normalizer"]["normalizers"][0].update(precompiled_charsmap="AAAA"), "json: is damaged"),
        (lambda t: t["normalizer"]["normalizers"][0].update(precompiled_charsmap=7), "not as Transformers"),
        (lambda t: t.update(normalizer=[7]), "not as Transformers writes it"),
        (
            lambda t: t.update(pre_tokenizer={"type": "ByteLevel"}),
            "pre_tokenizer must be Metaspace.*ByteLevel",
        ),
        (lambda t: t.update(pre_tokenizer=None), "pre_tokenizer must be Metaspace"),
        (lambda t: t["pre_tokenizer"].update(replacement="_"), "must replace spaces by ▁"),
        (lambda t: t["post_processor"].update(single=TEMPLATE), "its template of a single must be"),
        (lambda t: t["post_processor"].update(pair=TEMPLATE), "its template of a pair must be"),
        (lambda t: t["post_processor"].update(pair=7), "not as Transformers writes it"),
        (lambda t: t["post_processor"].update(type="ByteLevel"), "post_processor must be TemplateProcessing"),
        (lambda t: t["added_tokens"].append({"id": 999, "content": "<x>"}), "'<x>' has the id 999, but"),
    ],
)
def test_another_tokenizer_is_refused_by_name(folder: Path, change, message: str):
    fast = folder / "tokenizer.json"
    values = json.loads(fast.read_text(encoding="utf-8"))
    change(values)
    fast.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(UserError, match=message) as error:
        read_tokenizer(folder)
    assert str(folder) in str(error.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"tokenizer_class": "T5Tokenizer"}, "tokenizer_class must be one of XLMRobertaTokenizer"),
        ({"cls_token": "[CLS]"}, r"cls_token must be <s>\. Received: '\[CLS\]'"),
    ],
)
def test_other_settings_are_refused(folder: Path, values, message: str):
    (folder / "tokenizer_config.json").write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(UserError, match=message):
        read_tokenizer(folder)


@pytest.mark.parametrize("values", [{"model_type": "camembert"}, {"tokenizer_class": "T5Tokenizer"}])
def test_the_configuration_may_name_another_tokenizer(tmp_path, xlm_r, values):
    (tmp_path / "sentencepiece.bpe.model").write_bytes(xlm_r)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}), encoding="utf-8")
    read_tokenizer(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(UserError, match="tokenizer_class must be one of"):
        read_tokenizer(tmp_path)


def test_files_that_disagree_are_refused(folder: Path, roberta, unigram):
    roberta.save(folder / "sentencepiece.model")
    assert read_tokenizer(folder).vocabulary.digest == roberta.digest
    unigram.save(folder / "sentencepiece.model")
    with pytest.raises(UserError, match=r"sentencepiece\.model and tokenizer\.json have different tokens"):
        read_tokenizer(folder)


def test_a_damaged_model_file_is_refused(tmp_path, xlm_r):
    path = tmp_path / "sentencepiece.bpe.model"
    for content in (b"", b"\x0a\xff", xlm_r[:1000]):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"sentencepiece\.bpe\.model: "):
            read_tokenizer(tmp_path)


def test_another_layout_under_the_name_of_xlm_r_is_refused(tmp_path, unigram):
    unigram.save(tmp_path / "sentencepiece.bpe.model")
    with pytest.raises(UserError, match="must begin with <unk>, <s>, </s>"):
        read_tokenizer(tmp_path)


def test_spiece_model_is_read_as_it_is(tmp_path, unigram):
    unigram.save(tmp_path / "spiece.model")
    assert read_tokenizer(tmp_path).vocabulary.digest == unigram.digest
