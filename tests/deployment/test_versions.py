import pytest

from kerasbert.deployment import changing, list_versions, prune
from kerasbert.errors import UserError
from kerasbert.layout import version_folders


def numbers(model_dir):
    return list(version_folders(model_dir))


def test_versions_are_numbers_in_their_order(model_dir, add_version):
    for number in (10, 9, 0):
        add_version(number)
    for name in ("serving", "11-old", ".staging-x", "²", "１１", "-1", "+1", "1_1", str(2**63), "9" * 200):
        (model_dir / name).mkdir()
    (model_dir / "13").touch()  # a file
    add_version("0" * 100 + "12")
    add_version(2**63 - 1)
    assert numbers(model_dir) == [0, 9, 10, 12, 2**63 - 1]


def test_a_version_keeps_the_name_of_its_folder(model_dir, add_version):
    for name in ("00000003", "00000001", "2"):
        add_version(name)
    assert version_folders(model_dir) == {
        1: model_dir / "00000001", 2: model_dir / "2", 3: model_dir / "00000003"
    }  # fmt: skip
    with changing(model_dir) as served:
        served.label("stable", 3)
    assert [(version.number, version.labels, version.size) for version in list_versions(model_dir)] == [
        (1, [], 5), (2, [], 5), (3, ["stable"], 5)
    ]  # fmt: skip
    assert prune(model_dir, 1) == [1, 2]
    assert [path.name for path in model_dir.glob("[0-9]*")] == ["00000003"]


@pytest.mark.parametrize("change", [version_folders, list_versions, lambda path: prune(path, 1)])
def test_two_folders_of_one_version_are_refused_and_both_kept(model_dir, add_version, change):
    for name in ("1", "2", "02"):
        add_version(name)
    with pytest.raises(UserError, match="reviews: holds version 2 twice, as 02 and 2, "):
        change(model_dir)
    assert sorted(path.name for path in model_dir.iterdir()) == ["02", "1", "2"]


def test_the_list_says_what_is_served(model_dir, add_version):
    for number in (1, 2, 3):
        add_version(number)
    with changing(model_dir) as served:
        served.publish(3, 2)
    assert [
        (version.number, version.labels, version.served, version.size) for version in list_versions(model_dir)
    ] == [
        (1, [], False, 5),
        (2, ["stable"], True, 5),
        (3, ["canary"], True, 5),
    ]


def test_without_models_config_the_highest_is_served(model_dir, add_version):
    for number in (1, 2):
        add_version(number)
    assert [version.served for version in list_versions(model_dir)] == [False, True]


def test_a_served_version_without_its_folder_is_shown(model_dir, add_version):
    add_version(1)
    with changing(model_dir) as served:
        served.publish(1, None)
    (model_dir / "1").rename(model_dir / "2")
    missing, whole = list_versions(model_dir)
    assert (missing.number, missing.labels, missing.size) == (1, ["stable"], None)
    assert (whole.number, whole.size) == (2, 5)


@pytest.mark.parametrize("make", [True, False])
def test_a_directory_without_versions_is_refused(model_dir, make):
    if make:
        model_dir.mkdir()
    with pytest.raises(UserError, match="reviews: holds no version"):
        list_versions(model_dir)


def test_the_oldest_are_removed(model_dir, add_version):
    for number in (1, 2, 5, 10):
        add_version(number)
    assert prune(model_dir, 2) == [1, 2]
    assert sorted(path.name for path in model_dir.iterdir()) == ["10", "5"]
    assert prune(model_dir, 2) == []


def test_what_is_served_stays(model_dir, add_version):
    for number in range(1, 7):
        add_version(number)
    with changing(model_dir) as served:
        served.publish(2, 1)  # stable 1, canary 2
        served.publish(3, 2)  # served without a label
    assert prune(model_dir, 1, spare=[5]) == [4]
    assert numbers(model_dir) == [1, 2, 3, 5, 6]


@pytest.mark.parametrize(
    ("policy", "served"),
    [
        ("model_version_policy { all { } }", [1, 2, 3, 4]),
        ("model_version_policy { latest { num_versions: 3 } }", [2, 3, 4]),
        ("model_version_policy { latest { } }", [4]),
        ("", [4]),
    ],
)
def test_what_a_policy_of_ones_own_serves_stays(model_dir, add_version, policy, served):
    for number in (1, 2, 3, 4):
        add_version(number)
    path = model_dir / "serving" / "models.config"
    path.parent.mkdir()
    content = f'model_config_list {{ config {{ name: "reviews" {policy} }} }}'
    path.write_text(content, encoding="utf-8")
    assert [version.number for version in list_versions(model_dir) if version.served] == served
    prune(model_dir, 1)
    assert numbers(model_dir) == served
    assert path.read_text(encoding="utf-8") == content


def test_what_a_killed_removal_left_is_removed(model_dir, add_version):
    add_version(1).rename(model_dir / ".removed-0123")
    add_version(2)
    prune(model_dir, 1)
    assert [path.name for path in model_dir.iterdir()] == ["2"]


def test_a_version_that_cannot_be_removed_is_named(model_dir, add_version, monkeypatch):
    add_version(1)
    add_version(2)

    def refuse(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("shutil.rmtree", refuse)
    with pytest.raises(UserError, match=r"1: cannot be removed \(Permission denied\)"):
        prune(model_dir, 1)


def test_a_damaged_models_config_protects_all(model_dir, add_version):
    for number in (1, 2, 3):
        add_version(number)
    (model_dir / "serving").mkdir()
    (model_dir / "serving" / "models.config").write_text("{")
    with pytest.raises(UserError, match="is not a model configuration"):
        prune(model_dir, 1)
    assert numbers(model_dir) == [1, 2, 3]
