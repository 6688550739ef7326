"""A small text and what is made of it."""

import random
from pathlib import Path

import pytest

from kerasbert.corpus import Corpus, CorpusSettings, build_corpus, train_vocabulary
from kerasbert.text import Vocabulary

PEOPLE = ("老师", "医生", "司机", "厨师", "画家", "学生")
PLACES = ("学校", "医院", "车站", "饭馆", "公园", "图书馆")
ACTIONS = ("读书", "看报", "喝茶", "散步", "唱歌", "写信")


@pytest.fixture(scope="session")
def text_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 documents of 2 to 8 sentences."""
    draw = random.Random(0)
    documents = []
    for _ in range(40):
        person, place = draw.choice(PEOPLE), draw.choice(PLACES)
        sentences = [
            f"{person}在{place}{draw.choice(ACTIONS)}，step {draw.randrange(99)}。"
            for _ in range(draw.randint(2, 8))
        ]
        documents.append("\n".join(sentences))
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("\n\n".join(documents) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def learned(text_file: Path) -> Vocabulary:
    """The vocabulary of the text."""
    return train_vocabulary([text_file], size=200, min_count=1)[0]


@pytest.fixture(scope="session")
def corpus(text_file: Path, learned: Vocabulary, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """The corpus of the text. Do not change its files."""
    settings = CorpusSettings(max_length=32, shards=2, held_out=0.1)
    return build_corpus([text_file], tmp_path_factory.mktemp("corpus") / "corpus", learned, settings)
