import json

import pytest

from kerasbert.data import Columns, load_rows
from kerasbert.errors import DataError


def task(text, *answers, **others):
    annotations = [
        {"result": [{"type": "choices", "from_name": name, "value": {"choices": choices}}]}
        for name, choices in answers
    ]
    return {"id": 1, "data": {"text": text, "shop": "A"}, "annotations": annotations, **others}


def read(tmp_path, tasks, columns=None):
    path = tmp_path / "export.json"
    path.write_text(json.dumps(tasks, ensure_ascii=False), encoding="utf-8")
    rows = load_rows([path], columns or Columns())
    return [(row.text, row.labels) for row in rows.rows], [row.text for row, _ in rows.left_out]


def test_the_choice_is_the_label(tmp_path):
    cancelled = task("丁", ("label", ["差"]))
    cancelled["annotations"][0]["was_cancelled"] = True
    tasks = [task("甲", ("sentiment", ["好"])), task("乙"), cancelled]
    assert read(tmp_path, tasks) == ([("甲", ("好",))], ["乙", "丁"])


def test_of_several_annotators_most_decide(tmp_path):
    two, one = ("label", ["好"]), ("label", ["差"])
    assert read(tmp_path, [task("甲", one, two, two), task("乙", one, two)]) == ([("甲", ("好",))], ["乙"])


def test_several_tags_need_the_name_of_one(tmp_path):
    both = [task("甲", ("topic", ["食"]), ("polarity", ["好"]))]
    assert read(tmp_path, both, Columns(label="polarity"))[0] == [("甲", ("好",))]
    with pytest.raises(DataError, match=r"several tags \(topic, polarity\)"):
        read(tmp_path, both)


def test_several_choices_are_several_labels(tmp_path):
    tasks = [task("甲", ("label", ["食", "好"]))]
    assert read(tmp_path, tasks, Columns(label_separator="|"))[0] == [("甲", ("食", "好"))]
    with pytest.raises(DataError, match="holds a list, but one label is expected"):
        read(tmp_path, tasks)


@pytest.mark.parametrize("odd", [[None], [{}], [{"result": [None, {"type": "choices", "value": None}]}]])
def test_annotations_without_choices_are_no_label(tmp_path, odd):
    assert read(tmp_path, [task("甲", annotations=odd), task("乙", ("label", ["好"]))]) == (
        [("乙", ("好",))],
        ["甲"],
    )


def test_doccano_has_a_list_of_one(tmp_path):
    path = tmp_path / "doccano.jsonl"
    path.write_text('{"text": "甲", "label": ["好"]}\n{"text": "乙", "label": []}\n', encoding="utf-8")
    rows = load_rows([path], Columns())
    assert [row.labels for row in rows.rows] == [("好",)]
    assert [row.text for row, _ in rows.left_out] == ["乙"]
