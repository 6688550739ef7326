import filecmp
import json
import os
import re
import shutil
import socket
import subprocess
import sys

import pytest
import tensorflow as tf

from kerasbert.corpus import Corpus, CorpusSettings, build, build_corpus, describe
from kerasbert.corpus.build import read_all
from kerasbert.corpus.shards import shard_of
from kerasbert.errors import DataError, UserError

SETTINGS = CorpusSettings(max_length=32, shards=2, held_out=0.1)


def same(a, b) -> bool:
    names = sorted(os.listdir(a))
    return names == sorted(os.listdir(b)) and not any(filecmp.cmpfiles(a, b, names, shallow=False)[1:])


def test_counts_are_right(corpus, text_file):
    documents = text_file.read_text(encoding="utf-8").strip().split("\n\n")
    counts = corpus.counts["train"] + corpus.counts["validation"]
    assert counts.documents == len(documents)
    assert counts.sentences == sum(len(document.split("\n")) for document in documents)
    assert counts.unknown == 0
    assert counts.examples == counts.pairs_next + counts.pairs_not_next + counts.unpaired
    stored = {split: sum(1 for _ in tf.data.TFRecordDataset(corpus.files(split))) for split in corpus.counts}
    assert stored == {split: of_split.examples for split, of_split in corpus.counts.items()}
    assert f"{counts.documents - corpus.counts['validation'].documents} documents" in describe(corpus)


@pytest.mark.slow
@pytest.mark.process
def test_every_process_builds_the_same(corpus, text_file, tmp_path):
    program = (
        "import sys; from pathlib import Path; from kerasbert.corpus import *; from kerasbert.text import *;"
        "build_corpus([sys.argv[1]], Path(sys.argv[2]), WordPieceVocabulary.load(sys.argv[3]),"
        "CorpusSettings(max_length=32, shards=2, held_out=0.1))"
    )
    vocabulary = str(corpus.path / "vocab.txt")
    subprocess.run([sys.executable, "-c", program, text_file, tmp_path / "again", vocabulary], check=True)
    assert same(corpus.path, tmp_path / "again")
    again = Corpus.open(tmp_path / "again")
    assert again.digest() == corpus.digest()
    with open(again.files("validation")[0], "r+b") as file:
        byte = file.read(1)[0]
        file.seek(0)
        file.write(bytes([byte ^ 1]))
    assert again.digest() != corpus.digest()


@pytest.mark.process
def test_beam_builds_the_same(corpus, text_file, learned, tmp_path):
    pytest.importorskip("apache_beam", reason="the [beam] extra is not installed")
    from kerasbert.corpus.beam import build_corpus_with_beam

    build_corpus_with_beam([text_file], tmp_path / "beam", learned, SETTINGS, "--runner=DirectRunner")
    assert same(corpus.path, tmp_path / "beam")


def test_another_seed_builds_another(corpus, text_file, learned, tmp_path):
    other = build_corpus([text_file], tmp_path / "other", learned, SETTINGS.model_copy(update={"seed": 1}))
    assert not filecmp.cmp(corpus.files("train")[0], other.files("train")[0], shallow=False)


def test_an_interrupted_build_goes_on(corpus, text_file, learned, tmp_path, monkeypatch):
    directory = tmp_path / "corpus"
    written = []

    def write_one_then_fail(path, name, *rest):
        if written:
            raise KeyboardInterrupt
        written.append(name)
        original(path, name, *rest)

    original = build.write_shard
    monkeypatch.setattr(build, "write_shard", write_one_then_fail)
    with pytest.raises(KeyboardInterrupt):
        build_corpus([text_file], directory, learned, SETTINGS)
    with pytest.raises(DataError, match="not finished"):
        Corpus.open(directory)
    made = directory / f"{written[0]}.tfrecord"
    before = made.stat().st_mtime_ns
    monkeypatch.setattr(build, "write_shard", original)
    build_corpus([text_file], directory, learned, SETTINGS)
    assert made.stat().st_mtime_ns == before
    assert same(corpus.path, directory)


def test_a_directory_that_another_build_writes_to_is_refused(text_file, learned, tmp_path, monkeypatch):
    directory = tmp_path / "corpus"
    second = []

    def start_again(*args):
        with pytest.raises(UserError) as raised:
            build_corpus([text_file], directory, learned, SETTINGS)
        second.append(str(raised.value))
        monkeypatch.setattr(build, "_spill", original)
        return original(*args)

    original = build._spill
    monkeypatch.setattr(build, "_spill", start_again)
    corpus = build_corpus([text_file], directory, learned, SETTINGS)
    documents = text_file.read_text(encoding="utf-8").strip().split("\n\n")
    assert (corpus.counts["train"] + corpus.counts["validation"]).documents == len(documents)
    assert second == [
        f"{directory}: is in use by process {os.getpid()} on {socket.gethostname()}. Wait for it, or name "
        "another directory."
    ]


def test_a_corpus_of_other_settings_is_not_mixed_in(corpus, text_file, learned):
    with pytest.raises(UserError, match="started with other files, settings or another vocabulary"):
        build_corpus([text_file], corpus.path, learned, SETTINGS.model_copy(update={"shards": 3}))


def test_a_foreign_directory_is_left_alone(text_file, learned, tmp_path):
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(UserError, match="not empty"):
        build_corpus([text_file], tmp_path, learned, SETTINGS)
    assert os.listdir(tmp_path) == ["mine"]


def test_unreadable_lines_are_counted_and_written_aside(learned, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "老师在学校。"}\n{oops\n{"text": "医生在车站。"}\n', encoding="utf-8")
    corpus = build_corpus([path], tmp_path / "corpus", learned, CorpusSettings(shards=1, held_out=0.0))
    assert corpus.counts["train"].unreadable == 1
    (aside,) = corpus.path.glob("*.unreadable.jsonl")
    assert json.loads(aside.read_text(encoding="utf-8"))["start"] == "{oops"
    assert "1 unreadable lines" in describe(corpus)


def test_flags_that_beam_does_not_take_are_refused_before_anything_is_written(text_file, learned, tmp_path):
    pytest.importorskip("apache_beam", reason="needs kerasbert[beam]")
    from kerasbert.corpus.beam import build_corpus_with_beam

    with pytest.raises(UserError, match=r"--beam: Apache Beam does not accept '--runner=Nope'"):
        build_corpus_with_beam([text_file], tmp_path / "corpus", learned, SETTINGS, "--runner=Nope")
    assert not (tmp_path / "corpus").exists()


def test_no_text_is_an_error(learned, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("\n\n", encoding="utf-8")
    with pytest.raises(DataError, match="there is no text in"):
        build_corpus([path], tmp_path / "corpus", learned, SETTINGS)


def test_what_is_no_corpus_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"is not a corpus"):
        Corpus.open(tmp_path)


@pytest.fixture
def damaged(corpus, tmp_path):
    """Returns a function that replaces a file of a copy of the corpus, and returns its path."""

    def damage(name, content):
        path = shutil.copytree(corpus.path, tmp_path / "corpus") / name
        path.write_bytes(content)
        return path

    return damage


@pytest.mark.parametrize("name", ["setup.json", "corpus.json"])
@pytest.mark.parametrize("content", [b"{", b"{}", b"[]", b"\xff"])
def test_a_damaged_corpus_is_refused(damaged, name, content):
    path = damaged(name, content)
    with pytest.raises(DataError, match=rf"^{re.escape(str(path))}: .*\.$"):
        Corpus.open(path.parent)


@pytest.mark.parametrize("name", ["setup.json", "train-00000-of-00002.json"])
@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff"])
def test_a_build_does_not_go_on_from_a_damaged_file(damaged, text_file, learned, name, content):
    path = damaged(name, content)
    with pytest.raises(DataError, match=rf"^{re.escape(str(path))}: .*\.$"):
        build_corpus([text_file], path.parent, learned, SETTINGS)


def test_no_copy_of_a_held_out_text_is_trained_on(tmp_path):
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("\n\n".join(f"{n}。" for n in range(300)), encoding="utf-8")
    settings, splits = CorpusSettings(held_out=0.2), {}
    for item in read_all([tmp_path / "a.txt", tmp_path / "a.txt", tmp_path / "b.txt"], settings):
        splits.setdefault(item.sentences, []).append(shard_of(item.key, settings).partition("-")[0])
    assert {(len(copies), len(set(copies))) for copies in splits.values()} == {(3, 1)}
    assert {copies[0] for copies in splits.values()} == {"train", "validation"}


def test_documents_spread_over_the_shards():
    settings = CorpusSettings(shards=4, held_out=0.1)
    names = [shard_of(str(number), settings) for number in range(4000)]
    validation = sum(name.startswith("validation") for name in names)
    assert abs(validation - 400) < 4 * (4000 * 0.1 * 0.9) ** 0.5
    for number in range(4):
        count = names.count(f"train-0000{number}-of-00004")
        assert abs(count - 900) < 4 * (4000 * 0.225 * 0.775) ** 0.5
