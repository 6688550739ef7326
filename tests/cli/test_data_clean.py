import csv
import json

import pytest

from .test_data import row


@pytest.fixture
def noisy(write):
    """Reviews of which two have a wrong label, and a text with both."""
    lines = [row(f"{thing}很好", "positive") for thing in "一二三四五六七八九十百千万"]
    lines += [row(f"{thing}太差", "negative") for thing in "一二三四五六七八九十百千万"]
    lines[3], lines[20] = row("四很好", "negative"), row("八太差", "positive")
    return write("rows.jsonl", [*lines, row("不知道!", "positive"), row("不知道", "negative")])


def read_issues(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def write_issues(path, issues):
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, issues[0])
        table.writeheader()
        table.writerows(issues)


def test_from_the_review_to_cleaned_rows(kerasbert, noisy, tmp_path):
    before = noisy.read_bytes()
    result = kerasbert("data", "clean", noisy, "--output", tmp_path / "review")
    assert result.exit_code == 0, result.output
    assert "2 of 28 row(s) probably have a wrong label" in result.stdout
    assert noisy.read_bytes() == before
    issues = read_issues(tmp_path / "review" / "issues.csv")
    errors = {issue["text"]: issue for issue in issues if issue["issue"] == "label error"}
    assert set(errors) == {"四很好", "八太差"}
    assert (errors["四很好"]["label"], errors["四很好"]["suggested"]) == ("negative", "positive")
    assert {issue["text"] for issue in issues if issue["group"] == "1"} == {"不知道!", "不知道"}
    page = (tmp_path / "review" / "index.html").read_text(encoding="utf-8")
    assert "四很好" in page
    summary = json.loads((tmp_path / "review" / "summary.json").read_text(encoding="utf-8"))
    assert summary["label_errors"] == 2

    errors["四很好"]["action"], errors["八太差"]["action"] = "relabel", " Remove "
    issues[-1]["action"] = "keep"
    reviewed, cleaned = tmp_path / "reviewed.csv", tmp_path / "cleaned.jsonl"
    write_issues(reviewed, issues)
    result = kerasbert("data", "clean", noisy, "--apply", reviewed, "--output", cleaned)
    assert result.exit_code == 0, result.output
    assert "26 row(s) as they were, 1 relabelled, 1 removed" in result.stderr
    expected = [json.loads(line) for line in before.decode().splitlines()]
    expected[3]["label"] = "positive"
    del expected[20]
    assert [json.loads(line) for line in cleaned.read_text(encoding="utf-8").splitlines()] == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"action": "delete"}, "action must be empty or one of keep, relabel, remove. Received: 'delete'"),
        ({"action": "relabel", "suggested": ""}, "relabel needs the new label"),
        ({"action": "relabel", "suggested": "postive"}, "unknown label 'postive', did you mean 'positive'?"),
        ({"action": "remove", "line": "999"}, "rows.jsonl:999, which is not among the rows read"),
        ({"action": "remove", "line": "x"}, "line must be a number"),
        ({"action": "remove", "text": "别的"}, "The file has changed since the review"),
    ],
)
def test_a_review_that_does_not_fit_writes_nothing(kerasbert, refused, noisy, tmp_path, change, message):
    kerasbert("data", "clean", noisy, "--output", tmp_path / "review")
    issues = read_issues(tmp_path / "review" / "issues.csv")
    issues[0].update(change)
    write_issues(tmp_path / "reviewed.csv", issues)
    arguments = ("--apply", tmp_path / "reviewed.csv", "--output", tmp_path / "cleaned.csv")
    assert message in refused("data", "clean", noisy, *arguments)


def test_what_cannot_be_reviewed_is_refused(refused, noisy, tmp_path, write):
    output = ("--output", tmp_path / "review")
    assert "Name the files of labelled rows" in refused("data", "clean", *output)
    assert "data.folds: must be at most" in refused("data", "clean", noisy, "--folds", 20, *output)
    other = write("other.jsonl", [json.dumps({"text": "z", "probabilities": {"positive": 1}})])
    assert "none of the texts" in refused("data", "clean", noisy, "--predictions", other, *output)
    same = ("--apply", other, "--output", noisy)
    assert "is also an input" in refused("data", "clean", noisy, *same)


def test_a_table_that_may_be_filled_in_is_not_overwritten(kerasbert, refused, noisy, tmp_path):
    kerasbert("data", "clean", noisy, "--output", tmp_path / "review")
    assert "may be filled in" in refused("data", "clean", noisy, "--output", tmp_path / "review")


@pytest.mark.slow
@pytest.mark.process
def test_the_model_of_a_configuration_is_asked(kerasbert, config_file, tmp_path, reviews):
    result = kerasbert(
        "data", "clean", "--config", config_file(), "--folds", 2, "--output", tmp_path / "review"
    )
    assert result.exit_code == 0, result.output
    assert f"of {len(reviews)} row(s) probably" in result.stdout
    again = kerasbert(
        "data", "clean", "--config", config_file(), "--predictions", tmp_path / "review" / "folds",
        "--output", tmp_path / "again",
    )  # fmt: skip
    tables = [(tmp_path / name / "issues.csv").read_bytes() for name in ("review", "again")]
    assert again.exit_code == 0
    assert tables[0] == tables[1]


@pytest.mark.process
def test_texts_unlike_the_others_are_listed_and_kept(kerasbert, write, tmp_path):
    words = [
        f"{thing}{word}{end}"
        for thing in "房床车饭书店网"
        for word in ("很好", "太差", "不错")
        for end in "啊吧呢吗呀的了哦嘛哟"
    ]
    lines = [row(text, "positive" if "太差" not in text else "negative") for text in words]
    rows = write("rows.jsonl", [*lines, row("SELECT name FROM users WHERE id = 42;", "positive")])
    result = kerasbert("data", "clean", rows, "--output", tmp_path / "review")
    assert "2 row(s) least like the others are listed as outliers" in result.stdout
    issues = read_issues(tmp_path / "review" / "issues.csv")
    (first, _) = (issue for issue in issues if issue["issue"] == "outlier")
    assert first["text"].startswith("SELECT")
    assert (first["suggested"], first["action"]) == ("", "")
    assert "Outliers: 2" in (tmp_path / "review" / "index.html").read_text(encoding="utf-8")
    cleaned = tmp_path / "cleaned.jsonl"
    kerasbert("data", "clean", rows, "--apply", tmp_path / "review" / "issues.csv", "--output", cleaned)
    assert cleaned.read_text(encoding="utf-8").count("\n") == 211


def test_pairs_and_windows_are_refused(noisy, refused, config_file, tmp_path):
    config = config_file("text: {windows: 2}")
    given = ("--config", config, "--pair-column", "label", "--output", tmp_path / "review")
    assert "text.windows: must be 1 with data.pair_column" in refused("data", "clean", noisy, *given)
