import io
import itertools
import tracemalloc

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kerasbert.data.write_vectors import vector_writer, write_npy, write_parquet
from kerasbert.errors import UserError


def rows_of(vectors: np.ndarray):
    return (({"text": f"文{number}"}, vector) for number, vector in enumerate(vectors))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 300), st.integers(1, 40), st.data())
def test_numpy_reads_what_was_written(count, size, data):
    vectors = data.draw(
        arrays(np.float32, (count, size), elements=st.floats(-9, 9, width=32), fill=st.just(1))
    )
    file = io.BytesIO()
    write_npy(rows_of(vectors), size, file)
    file.seek(0)
    read = np.load(file, allow_pickle=False)
    np.testing.assert_array_equal(read, vectors)
    assert (read.dtype, read.shape, file.read()) == (np.float32, (count, size), b"")


def test_an_array_of_many_rows_can_be_mapped_into_memory(tmp_path):
    with (tmp_path / "a.npy").open("wb") as file:
        write_npy((({}, np.full(2, number, np.float32)) for number in range(123_456)), 2, file)
    read = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert read.shape == (123_456, 2)
    assert read[123_455].tolist() == [123_455, 123_455]


@pytest.mark.parametrize("count", [0, 1, 4096, 4097])
def test_parquet_holds_the_cells_and_lists_of_one_size(count, tmp_path):
    vectors = np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32)
    path = tmp_path / "a.parquet"
    with path.open("wb") as file:
        write_parquet(rows_of(vectors), 3, file)
    table = pq.read_table(path)
    assert table.schema.field("vector").type == pa.list_(pa.float32(), 3)
    assert table["text"].to_pylist() == [f"文{number}" for number in range(count)]
    assert np.array_equal(table["vector"].combine_chunks().flatten().to_numpy(), vectors.ravel())
    if count:
        assert pl.read_parquet(path)["vector"].dtype == pl.Array(pl.Float32, 3)


@pytest.mark.parametrize("write", [write_npy, write_parquet])
def test_memory_does_not_grow_with_the_rows(write, tmp_path):
    vector = np.zeros(64, np.float32)
    peaks = []
    for count in (10_000, 40_000):
        rows = itertools.repeat(({"text": "好"}, vector), count)
        tracemalloc.start()
        with (tmp_path / "out").open("wb") as file:
            write(rows, 64, file)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


@pytest.mark.parametrize("name", ["a", "a.npz", "a.npy.gz", "-", "a.csv", ""])
def test_other_names_are_refused(name):
    with pytest.raises(UserError, match=r"vectors are written to a file named .npy or .parquet"):
        vector_writer(name)


def test_what_is_no_file_is_refused(tmp_path):
    (tmp_path / "a.npy").mkdir()
    with pytest.raises(UserError, match="must be a file, or not exist yet"):
        vector_writer(str(tmp_path / "a.npy"))
    assert vector_writer(str(tmp_path / "A.NPY")) is write_npy
