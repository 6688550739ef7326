import pytest

from kerasbert.data.labels import read_labels, write_labels
from kerasbert.errors import CheckpointError


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_labels_come_back_as_they_were(tmp_path, ends):
    labels = ["", "好\u2028评", " b ", "c\rd"]
    file = tmp_path / "labels.txt"
    write_labels(file, labels)
    file.write_bytes(file.read_bytes().replace(b"\n", ends))
    assert read_labels(file) == labels


@pytest.mark.parametrize("content", [None, b"\xff\n"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, content):
    if content:
        (tmp_path / "labels.txt").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"labels\.txt: cannot be read"):
        read_labels(tmp_path / "labels.txt")
