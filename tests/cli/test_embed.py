import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

TEXTS = ["手机很好", "", "好" * 500, "酒店太差", "手机很好"]


@pytest.fixture
def texts(write):
    return write("texts.txt", TEXTS)


def test_there_is_a_vector_for_each_line_in_order(kerasbert, opened_once, trained, texts, tmp_path):
    result = kerasbert("embed", opened_once, "--input", texts, "--output", tmp_path / "a.npy")
    assert (result.exit_code, result.output) == (0, "")
    vectors = np.load(tmp_path / "a.npy")
    assert (vectors.shape, vectors.dtype) == ((5, 16), np.float32)
    np.testing.assert_allclose(vectors, trained.model.embed(TEXTS), atol=1e-6)


def test_the_options_are_those_of_python(kerasbert, opened_once, trained, texts, tmp_path):
    options = ("--pooling", "cls", "--normalize", "--prefix", "问：", "--batch-size", "2")
    result = kerasbert("embed", opened_once, "--input", texts, "--output", tmp_path / "a.npy", *options)
    assert (result.exit_code, result.output) == (0, "")
    expected = trained.model.embed(TEXTS, pooling="cls", normalize=True, prefix="问：")
    np.testing.assert_allclose(np.load(tmp_path / "a.npy"), expected, atol=1e-5)


def test_parquet_holds_the_texts_too(kerasbert, opened_once, trained, texts, tmp_path):
    result = kerasbert("embed", opened_once, "--input", texts, "--output", tmp_path / "a.parquet")
    assert (result.exit_code, result.output) == (0, "")
    table = pq.read_table(tmp_path / "a.parquet")
    assert table["text"].to_pylist() == TEXTS
    vectors = np.array(table["vector"].to_pylist(), np.float32)
    np.testing.assert_allclose(vectors, trained.model.embed(TEXTS), atol=1e-6)


def test_parquet_keeps_all_columns_of_the_input(kerasbert, opened_once, trained, tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text(
        '{"id": 7, "review": "好", "label": "a"}\n{"id": 8, "review": "坏"}\n', encoding="utf-8"
    )
    arguments = ("--input", source, "--text-column", "review", "--output", tmp_path / "a.parquet")
    result = kerasbert("embed", opened_once, *arguments)
    assert (result.exit_code, result.output) == (0, "")
    rows = pq.read_table(tmp_path / "a.parquet").to_pylist()
    np.testing.assert_allclose(
        [row.pop("vector") for row in rows], trained.model.embed(["好", "坏"]), atol=1e-6
    )
    assert rows == [{"id": 7, "review": "好", "label": "a"}, {"id": 8, "review": "坏", "label": None}]
    on_stdin = kerasbert("embed", opened_once, "--input", "-", *arguments[2:], stdin=source.read_bytes())
    assert on_stdin.exit_code == 0
    assert [row["id"] for row in pq.read_table(tmp_path / "a.parquet").to_pylist()] == [7, 8]


@pytest.mark.process
def test_standard_input_and_an_encoder_alone_will_do(kerasbert, tmp_path):
    stdin = "今天天气很好\n天气真不错\n股票大跌\n".encode()
    arguments = ("--input", "-", "--output", tmp_path / "a.npy", "--normalize")
    result = kerasbert("embed", "kerasbert-tiny-zh", *arguments, stdin=stdin)
    assert (result.exit_code, result.stdout) == (0, "")
    cosines = np.load(tmp_path / "a.npy") @ np.load(tmp_path / "a.npy").T
    assert cosines[0, 1] > cosines[0, 2]


def test_tables_are_read_by_their_column(kerasbert, opened_once, trained, tmp_path):
    (tmp_path / "in.csv").write_text("id,review\n1,手机很好\n2,酒店太差\n", encoding="utf-8")
    arguments = ("--input", tmp_path / "in.csv", "--text-column", "review", "--output", tmp_path / "a.npy")
    assert kerasbert("embed", opened_once, *arguments).exit_code == 0
    expected = trained.model.embed(["手机很好", "酒店太差"])
    np.testing.assert_allclose(np.load(tmp_path / "a.npy"), expected, atol=1e-6)


@pytest.mark.parametrize("name", ["a.npy", "a.parquet"])
def test_a_bad_row_leaves_the_old_file_and_no_other(kerasbert, opened_once, tmp_path, name):
    source, output = tmp_path / "in.jsonl", tmp_path / name
    output.write_text("old")
    source.write_text('{"text": "好"}\n' * 2000 + "{", encoding="utf-8")
    result = kerasbert("embed", opened_once, "--input", source, "--output", output)
    assert result.exit_code == 2
    assert "in.jsonl:2001: is not JSON" in result.stderr
    assert output.read_text() == "old"
    assert sorted(tmp_path.iterdir()) == sorted([source, output])


def test_a_full_disk_leaves_the_old_file(kerasbert, opened_once, write, tmp_path, largest_file):
    source, output = write("in.txt", ["好"] * 500), tmp_path / "a.npy"
    output.write_text("old")
    with largest_file(4096):
        result = kerasbert("embed", opened_once, "--input", source, "--output", output)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {output}: cannot be written")
    assert output.read_text() == "old"
    assert sorted(tmp_path.iterdir()) == sorted([source, output])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--output", "a.csv"), "vectors are written to a file named .npy or .parquet"),
        (("--output", "-"), "vectors are written to a file named .npy or .parquet"),
        (("--output", os.devnull), "vectors are written to a file named .npy or .parquet"),
        (("--output", "missing/a.npy"), "cannot be written"),
        (("--output", "a.npy", "--pair-column", "text"), "--pair-column: the model takes single texts"),
        (("--output", "a.npy", "--prefix", os.fsdecode(b"\xff")), "prefix: holds half of a surrogate pair"),
    ],
)
def test_wrong_arguments_are_refused_in_one_line(
    refused, opened_once, texts, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    assert message in refused("embed", opened_once, "--input", texts, *arguments)


def test_the_file_that_is_read_is_not_written(refused, opened_once, trained, tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["好"]}), path)
    assert "would be overwritten" in refused("embed", opened_once, "--input", path, "--output", path)
