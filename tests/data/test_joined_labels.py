import pytest

from kerasbert.data.joined_labels import joined_labels


@pytest.mark.parametrize(
    ("labels", "separator", "joined"),
    [
        (["房间|早餐", "服务"], "|", ["房间|早餐"]),
        (["酒店,好", "酒店", "好"], ",", ["酒店,好"]),
        (["房间，早餐", "早餐，服务"], "，", ["房间，早餐", "早餐，服务"]),
        (["房间、早餐", "房间"], "、", ["房间、早餐"]),
        (["房间;早餐", "早餐"], ";", ["房间;早餐"]),
        (["体育/足球", "体育", "足球"], "/", ["体育/足球"]),
        (["房间 早餐", "早餐 服务", "服务 房间"], " ", ["房间 早餐", "早餐 服务", "服务 房间"]),
    ],
)
def test_several_labels_in_one_are_found(labels: list[str], separator: str, joined: list[str]):
    found = joined_labels(labels)
    assert found is not None
    assert (found.separator, list(found.labels)) == (separator, joined)


@pytest.mark.parametrize(
    "labels",
    [
        ["正面", "负面"],
        ["体育/足球", "体育/篮球", "体育"],
        ["very good", "good", "very bad"],
        ["books, media", "food, drink"],
        ["|", "a|", "b"],
        [],
    ],
    ids=str,
)
def test_names_with_such_characters_are_one_label(labels: list[str]):
    assert joined_labels(labels) is None


def test_where_several_are_expected_a_comma_is_enough():
    assert joined_labels(["酒店,好", "书,坏"], but="|") is None
    found = joined_labels(["酒店,好", "书,坏"], but="|", expected=True)
    assert found is not None
    assert found.separator == ","
