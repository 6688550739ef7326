import json

import pytest

from kerasbert.errors import UserError
from kerasbert.predictors import open_model
from kerasbert.quickstart import _clear
from kerasbert.tasks import get_task


@pytest.mark.slow
@pytest.mark.process
def test_it_ends_with_a_model_that_answers(process, tmp_path):
    running = process("quickstart", "--workdir", "work", cwd=tmp_path)
    out, err = (stream.decode() for stream in running.communicate(timeout=500))
    assert running.returncode == 0, err
    assert not [word for word in ("Traceback", "All log messages", "oneDNN", "cuInit") if word in err]
    texts = get_task("sentiment").sample_texts
    answers = out.splitlines()[: len(texts)]
    for text, line in zip(texts, answers, strict=True):
        assert line.endswith(text)
        assert line.split()[0] in ("negative", "positive")
        assert 0.5 <= float(line.split()[1]) <= 1
    assert "work/run/report/index.html" in out
    assert "kerasbert predict work/model" in out
    metrics = json.loads((tmp_path / "work/run/report/metrics.json").read_text(encoding="utf-8"))
    assert metrics["accuracy"] > 0.6
    assert [path.name for path in tmp_path.iterdir()] == ["work"]
    served = open_model(tmp_path / "work" / "model").predict(list(texts))
    assert [answer["label"] for answer in served] == [line.split()[0] for line in answers]


def test_files_of_others_are_kept(refused, tmp_path):
    (tmp_path / "mine").write_text("precious")
    assert "is not empty" in refused("quickstart", "--workdir", tmp_path)


@pytest.mark.parametrize("workdir", ["file", "file/below"])
def test_a_place_that_is_no_directory_is_refused(refused, tmp_path, workdir):
    (tmp_path / "file").write_text("precious")
    refused("quickstart", "--workdir", tmp_path / workdir)


@pytest.mark.parametrize(
    ("task", "message"), [("classification", "no sample data"), ("sentimen", "Did you mean sentiment?")]
)
def test_a_task_without_samples_is_refused(refused, tmp_path, task, message):
    assert message in refused("quickstart", "--workdir", tmp_path / "work", "--task", task)


def test_an_earlier_quickstart_is_replaced(tmp_path):
    work = tmp_path / "work"
    _clear(work)
    (work / "run").mkdir()
    (work / "run" / "old").touch()
    _clear(work)
    assert not (work / "run").exists()


@pytest.mark.parametrize("mine", ["notes.txt", "data", "model/2"])
def test_what_was_added_to_an_earlier_quickstart_is_kept(tmp_path, mine):
    _clear(tmp_path)
    for name in ("run", "model/1", "model/serving"):
        (tmp_path / name).mkdir(parents=True)
    if mine.endswith(".txt"):
        (tmp_path / mine).touch()
    else:
        (tmp_path / mine).mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError) as raised:
        _clear(tmp_path)
    assert str(raised.value).startswith(f"{tmp_path / mine}: was not made by quickstart")
    assert sorted(tmp_path.rglob("*")) == before


def test_an_empty_directory_will_do_even_the_present_one(tmp_path, monkeypatch):
    from pathlib import Path

    _clear(tmp_path)
    monkeypatch.chdir(tmp_path)
    _clear(Path("."))
    assert tmp_path.is_dir()
