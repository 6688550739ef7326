import errno
import os
from pathlib import Path

import pytest

from kerasbert.errors import UserError
from kerasbert.files import (
    atomic_path,
    make_directory,
    new_directory,
    require_output,
    wrap_write_errors,
    write_text,
)


def test_the_file_appears_when_the_block_ends(tmp_path: Path):
    path = tmp_path / "a.txt"
    with atomic_path(path) as temporary:
        temporary.write_text("new", encoding="utf-8")
        assert not path.exists()
    assert path.read_text(encoding="utf-8") == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [RuntimeError("x"), KeyboardInterrupt(), UserError("x")])
def test_the_old_file_stays_when_the_block_fails(error: BaseException, tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")

    def fail() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("new", encoding="utf-8")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert path.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_the_temporary_is_a_hidden_sibling_with_the_same_suffixes(tmp_path: Path):
    with atomic_path(tmp_path / "model.weights.h5") as temporary:
        temporary.write_bytes(b"x")
        assert temporary.parent == tmp_path
        assert temporary.name.startswith(".")
        assert temporary.suffixes[-2:] == [".weights", ".h5"]


def test_two_writers_do_not_share_a_temporary(tmp_path: Path):
    path = tmp_path / "a.txt"
    with atomic_path(path) as first, atomic_path(path) as second:
        assert first != second
        first.write_text("1", encoding="utf-8")
        second.write_text("2", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "1"


def test_a_reader_that_has_the_old_file_open_keeps_it_whole(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("the old content", encoding="utf-8")
    with path.open(encoding="utf-8") as reader:
        write_text(path, "new")
        assert reader.read() == "the old content"
    assert path.read_text(encoding="utf-8") == "new"


def full_disk(*args, **kwargs):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_explained_and_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(UserError, match=r"a\.txt: cannot be written \(No space left on device\)"):
        write_text(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_full_disk_in_the_block_is_explained(tmp_path: Path):
    with pytest.raises(UserError, match="No space left"), atomic_path(tmp_path / "a.txt"):
        full_disk()
    assert os.listdir(tmp_path) == []


def unwritable(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "file").touch()
    (tmp_path / "directory").mkdir()
    return {
        "no such folder": tmp_path / "none" / "a.txt",
        "below a file": tmp_path / "file" / "a.txt",
        "a folder": tmp_path / "directory",
        "too long a name": tmp_path / ("x" * 250),
    }


@pytest.mark.parametrize("place", ["no such folder", "below a file", "a folder", "too long a name"])
def test_a_place_that_cannot_be_written_is_named(place: str, tmp_path: Path):
    path = unwritable(tmp_path)[place]
    with pytest.raises(UserError) as raised:
        write_text(path, "x")
    assert str(raised.value).startswith(f"{path}: cannot be written (")
    assert sorted(os.listdir(tmp_path)) == ["directory", "file"]


def test_a_block_that_writes_nothing_is_an_error(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(UserError), atomic_path(path):
        pass
    assert path.read_text(encoding="utf-8") == "old"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.EACCES, "Permission denied"), "Permission denied). Choose"),
        (OSError(errno.ENOSPC, "No space left"), "No space left). Free some space or choose"),
        (OSError("a word of h5py"), "a word of h5py). Free some space or choose"),
        (OSError(), "). Free some space or choose"),
    ],
    ids=["permission", "space", "message", "bare"],
)
def test_every_oserror_becomes_a_user_error(error: OSError, reason: str):
    with pytest.raises(UserError) as raised, wrap_write_errors(Path("place")):
        raise error
    assert str(raised.value) == f"place: cannot be written ({reason} another location."


def test_text_is_written_as_utf8_with_lf(tmp_path: Path):
    write_text(tmp_path / "a.txt", "好\n\u2028坏\r\n")
    assert (tmp_path / "a.txt").read_bytes() == "好\n\u2028坏\r\n".encode()


def test_make_directory_makes_parents_and_is_content_with_what_is_there(tmp_path: Path):
    for _ in range(2):
        make_directory(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_make_directory_below_a_file_is_explained(tmp_path: Path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "b"):
        with pytest.raises(UserError, match="cannot be written"):
            make_directory(path)


@pytest.mark.parametrize("name", [".", "empty", "new", "new/below"])
def test_a_new_directory_appears_with_all_its_content(name: str, tmp_path: Path, monkeypatch):
    if name == "empty":
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    with new_directory(Path(name)) as temporary:
        (temporary / "folder").mkdir()
        (temporary / "folder" / "file").write_text("new", encoding="utf-8")
        assert not (Path(name) / "folder").exists()
    assert (tmp_path / name / "folder" / "file").read_text(encoding="utf-8") == "new"
    assert os.listdir(name) == ["folder"]
    with pytest.raises(UserError, match="exists already"), new_directory(Path(name)):
        pass


@pytest.mark.parametrize("name", [".", "new"])
def test_a_new_directory_leaves_nothing_after_an_error(name: str, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write_half() -> None:
        with new_directory(Path(name)) as temporary:
            (temporary / "file").touch()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("output", ["missing/out.txt", "file/out.txt"])
def test_an_output_without_a_directory_is_refused_before_the_work(output: str, tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written, since there is no directory"):
        require_output(str(tmp_path / output), [])
    require_output("out.txt", [])


def test_a_directory_that_may_not_be_written_is_refused_before_the_work(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    with pytest.raises(UserError, match=r"\(Permission denied\)\. Choose another location\.$"):
        require_output(str(tmp_path / "out.txt"), [])


def test_a_directory_that_may_not_be_searched_is_explained(tmp_path: Path, monkeypatch):
    def refuse(path: Path, **options) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(UserError, match=r"out\.txt: cannot be written \(Permission denied\)"):
        require_output("secret/out.txt", [])


def test_what_is_no_file_takes_a_stream_only(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    os.mkfifo(tmp_path / "pipe")
    for output in ("-", os.devnull, str(tmp_path / "pipe")):
        require_output(output, [], streams=True)
        with pytest.raises(UserError, match="cannot be written, since it is not a file"):
            require_output(output, [])
    with pytest.raises(UserError, match="cannot be written, since it is not a file"):
        require_output(str(tmp_path), [], streams=True)
