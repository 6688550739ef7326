"""The texts in configs/pretrain/everyday_zh, which a published backbone learned from."""

import re
from pathlib import Path

import pytest

from kerasbert.corpus.read import Document, Unreadable, read_documents

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "configs" / "pretrain" / "everyday_zh").rglob("*.txt"))
SHARED = ROOT.parent / "shared" / "data"


def documents(file: Path) -> list[Document]:
    found = list(read_documents(file, 0, "text"))
    assert not [item for item in found if isinstance(item, Unreadable)]
    return [item for item in found if isinstance(item, Document)]


@pytest.fixture(scope="module")
def texts() -> list[Document]:
    return [text for file in FILES for text in documents(file)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_every_file_holds_texts_of_short_sentences(file: Path):
    texts = documents(file)
    assert len(texts) > 100
    assert len({text.sentences for text in texts}) == len(texts)  # none twice
    assert max(len(sentence) for text in texts for sentence in text.sentences) < 200


def test_nothing_in_them_reaches_anybody(texts):
    telling = re.compile(r"(?<!0x)\d{8,}|https?:|www\.|[\w.]+@[\w.]+", re.ASCII)
    assert not [text for text in texts if telling.search(" ".join(text.sentences))]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data are not here")
def test_no_row_of_the_benchmarks_is_among_them(texts):
    ours = {_han(part) for text in texts for part in (*text.sentences, "".join(text.sentences))}
    for file in SHARED.glob("*/*.tsv"):
        rows = file.read_text(encoding="utf-8").splitlines()[1:]
        columns = [_han(column) for row in rows for column in row.split("\t")]
        assert not ours & {text for text in columns if len(text) >= 8}


def _han(text: str) -> str:
    return "".join(re.findall(r"[\u4e00-\u9fff]", text))
