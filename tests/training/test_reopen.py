"""An unfinished run goes on with the data it was begun with, or not at all."""

import json
from pathlib import Path

import pytest

from kerasbert.checkpoints import RunDirectory
from kerasbert.errors import UserError
from kerasbert.files import write_json
from kerasbert.training import prepare
from kerasbert.training.fingerprint import fingerprint
from kerasbert.training.reopen import in_order_of, reopen

ROWS = [
    {"text": f"{thing}{word}", "label": label}
    for thing in ("手机", "酒店", "早餐", "衣服", "电影", "快递")
    for label, word in (("负面", "差"), ("正面", "好"), ("中性", "行"))
]


@pytest.fixture
def files(tmp_path: Path):
    """Writes the training rows and returns the configuration's section `data`."""

    def write(train: list[dict] = ROWS, validation: list[dict] | None = None) -> dict:
        data = {}
        for name, rows in (("train", train), ("validation", validation)):
            if rows is not None:
                path = tmp_path / f"{name}.jsonl"
                path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
                data[name] = str(path)
        return data

    return write


@pytest.fixture
def begin(tiny_config):
    """Leaves a run as it is before the first step of a training."""

    def run(data: dict, with_fingerprint: bool = True, **settings) -> RunDirectory:
        prepared = prepare(tiny_config(data=data, **settings))
        directory = RunDirectory(prepared.config.run_dir or "")
        directory.create()
        directory.save_setup(prepared.config, prepared.vocabulary, prepared.task.labels)
        if with_fingerprint:
            write_json(directory.data, fingerprint(prepared, prepared.config.distillation.teacher))
        return directory

    return run


def renamed(rows: list[dict]) -> list[dict]:
    return [{**row, "label": row["label"].replace("面", "")} for row in rows]


def relabelled(rows: list[dict]) -> list[dict]:
    first, second, *others = rows
    return [{**first, "label": second["label"]}, {**second, "label": first["label"]}, *others]


def test_the_same_data_go_on(tiny_config, files, begin):
    data = files()
    run = begin(data)
    reopen(run, prepare(tiny_config(data=data)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (renamed, "the labels are now without '正面', '负面' and with '正', '负' added"),
        (lambda rows: [*rows, {"text": "新的一行", "label": "正面"}], "16 training rows and there are 17"),
        (lambda rows: rows[1:], "16 training rows and there are 15"),
        (lambda rows: rows[::-1], "the training rows are in another order"),
        (relabelled, "labels of the training rows have changed"),
        (lambda rows: [{**rows[0], "text": "手机糟"}, *rows[1:]], "texts of the training rows have changed"),
    ],
    ids=["renamed", "added", "removed", "reordered", "swapped labels", "another text"],
)
def test_other_training_rows_are_refused_by_what_differs(tiny_config, files, begin, change, message):
    validation = ROWS[:6]
    run = begin(files([*ROWS[2:]], validation))
    changed = change(ROWS[2:])
    if change is renamed:
        validation = renamed(validation)
    with pytest.raises(UserError, match=message):
        reopen(run, prepare(tiny_config(data=files(changed, validation))))


def test_other_validation_rows_are_refused(tiny_config, files, begin):
    run = begin(files(ROWS, ROWS[:6]))
    with pytest.raises(UserError, match="there were 6 validation rows and there are 5"):
        reopen(run, prepare(tiny_config(data=files(ROWS, ROWS[:5]))))


def test_other_rows_of_one_file_are_another_split(tiny_config, files, begin):
    run = begin(files())
    with pytest.raises(
        UserError, match="data: the same texts are split otherwise: they are in another order"
    ):
        reopen(run, prepare(tiny_config(data=files(ROWS[::-1]))))


def test_other_unlabelled_rows_and_another_teacher_are_refused(
    tiny_config, files, begin, trained, reviews_file, tmp_path: Path
):
    data, texts = {"train": str(reviews_file)}, tmp_path / "texts.jsonl"
    settings = {"distillation": {"teacher": str(trained.run.path), "unlabelled": [str(texts)]}}
    texts.write_text('{"text": "手机好"}', encoding="utf-8")
    run = begin(data, **settings)
    texts.write_text('{"text": "手机差"}', encoding="utf-8")
    with pytest.raises(UserError, match="texts of the unlabelled rows have changed"):
        reopen(run, prepare(tiny_config(data=data, **settings)))
    begun = json.loads(run.data.read_text(encoding="utf-8"))
    write_json(run.data, {**begun, "teacher": {"weights": "of another"}})
    with pytest.raises(UserError, match="the weights of the teacher have changed"):
        reopen(run, prepare(tiny_config(data=data, **settings)))


# --- runs from before there were fingerprints -------------------------------------------------------------


def test_a_run_without_a_fingerprint_goes_on(tiny_config, files, begin):
    data = files()
    run = begin(data, with_fingerprint=False)
    reopen(run, prepare(tiny_config(data=data)))


def test_its_labels_and_its_vocabulary_are_compared(tiny_config, files, begin):
    run = begin(files(), with_fingerprint=False)
    with pytest.raises(UserError, match="the labels are now without"):
        reopen(run, prepare(tiny_config(data=files(renamed(ROWS)))))
    with pytest.raises(UserError, match=r"the vocabulary that data\.train gives"):
        reopen(run, prepare(tiny_config(data=files([*ROWS, *ROWS, {"text": "龙龙", "label": "正面"}]))))


def test_its_labels_keep_their_order(tiny_config, files, begin):
    numbered = [{"text": f"第{n}条{m}", "label": str(n)} for n in range(11) for m in "甲乙丙"]
    data = files(numbered)
    run = begin(data, with_fingerprint=False)
    before = sorted(map(str, range(11)))  # 0, 1, 10, 2
    run.labels.write_text("\n".join(before) + "\n", encoding="utf-8")
    prepared = prepare(tiny_config(data=data))
    assert list(prepared.task.labels) == list(map(str, range(11)))
    taken_up = in_order_of(run, prepared)
    assert list(taken_up.task.labels) == before
    reopen(run, taken_up)
