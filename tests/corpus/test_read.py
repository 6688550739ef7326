import gzip
import json

import pytest

from kerasbert.corpus import Document, read_documents
from kerasbert.corpus.read import Unreadable
from kerasbert.errors import DataError


def read(path, **arguments):
    return list(read_documents(path, 0, **arguments))


def sentences(items):
    return [item.sentences for item in items if isinstance(item, Document)]


def test_lines_are_sentences_and_empty_lines_part_documents(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("\ufeff一。\n 二。 \r\n\n\n三。\n\n", encoding="utf-8")
    assert sentences(read(path)) == [("一。", "二。"), ("三。",)]


def test_gzip_and_plain_are_read_alike(tmp_path):
    content = "一。\n二。\n\n三。".encode()
    (tmp_path / "a.txt").write_bytes(content)
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(content))
    assert sentences(read(tmp_path / "a.txt")) == sentences(read(tmp_path / "a.txt.gz"))


def test_jsonl_texts_are_split_into_sentences(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [{"body": "真的吗？“是的。”好！\n再见"}, {"body": "一句"}]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    assert sentences(read(path, text_field="body")) == [("真的吗？", "“是的。”", "好！", "再见"), ("一句",)]


def test_keys_are_unique_and_sort_in_reading_order(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("\n\n".join(map(str, range(200))), encoding="utf-8")
    keys = [item.key for place in (0, 1, 11) for item in read_documents(path, place)]
    assert keys == sorted(set(keys))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"other": 1}', "has no text in 'text'"),
        (b'{"text": 1}', "has no text in 'text'"),
        (b'"text"', "has no text in 'text'"),
        (b"x" * (1 << 21), "is longer than a million characters"),
    ],
)
def test_what_cannot_be_read_is_put_aside(tmp_path, line, reason):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "a"}\n' + line + b'\n{"text": "b"}\n')
    items = read(path)
    assert sentences(items) == [("a",), ("b",)]
    (fault,) = (item for item in items if isinstance(item, Unreadable))
    assert (fault.line, fault.reason, fault.file) == (2, reason, str(path))


def test_half_a_surrogate_pair_is_no_character(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(r'{"text": "a\ud800b"}', encoding="utf-8")
    assert sentences(read(path)) == [("a\ufffdb",)]


def test_an_endless_document_is_read_in_parts(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("一。\n" * 2500, encoding="utf-8")
    assert [len(document) for document in sentences(read(path))] == [1000, 1000, 500]


@pytest.mark.parametrize("name", ["missing.txt", "a.md", "a.txt.gz"])
def test_wrong_files_are_refused(tmp_path, name):
    if name == "a.txt.gz":
        (tmp_path / name).write_bytes(gzip.compress(b"text\n" * 1000)[:-9])
    with pytest.raises(DataError, match=name):
        read(tmp_path / name)


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".csv", ".tsv", ".parquet", ".xlsx"])
def test_a_row_of_a_table_is_a_document(tmp_path, write_texts, suffix):
    path = write_texts(tmp_path / f"a{suffix}", ["一句。二句！", "", "三句"])
    assert sentences(read(path)) == [("一句。", "二句！"), ("三句",)]


def test_another_encoding_is_refused_and_read_as_the_message_says(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("房间很干净。\n\n早餐太少。".encode("gb18030"))
    with pytest.raises(
        DataError, match=r"a\.txt: is not UTF-8. It reads as gb18030. Add --encoding gb18030."
    ):
        read(path)
    assert sentences(read(path, encoding="gb18030")) == [("房间很干净。",), ("早餐太少。",)]
