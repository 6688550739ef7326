import json

import pytest
from sklearn.metrics import accuracy_score, f1_score


@pytest.fixture
def data(write):
    texts = [("手机很好", "positive"), ("酒店太差", "negative"), ("衣服不错", "negative"), ("好", "positive")]
    return write("data.jsonl", [json.dumps({"text": text, "label": label}) for text, label in texts])


def test_json_is_one_document_and_nothing_else(kerasbert, opened_once, trained, data):
    result = kerasbert("evaluate", opened_once, "--data", data, "--json")
    assert result.exit_code == 0
    assert result.stderr == ""
    metrics = json.loads(result.stdout)
    rows = [json.loads(line) for line in data.read_text().splitlines()]
    truth = [row["label"] for row in rows]
    decided = [x.decode() for x in trained.classifier.predict([row["text"] for row in rows])["label"]]
    assert metrics["examples"] == 4
    assert metrics["accuracy"] == pytest.approx(accuracy_score(truth, decided))
    expected = f1_score(truth, decided, average="macro", labels=["negative", "positive"], zero_division=0)
    assert metrics["macro_f1"] == pytest.approx(expected)
    assert set(metrics["per_class"]) == {"negative", "positive"}
    assert {"precision", "recall", "f1", "support"} <= set(metrics["per_class"]["positive"])


def test_without_json_the_metrics_are_lines(kerasbert, opened_once, data):
    result = kerasbert("evaluate", opened_once, "--data", data)
    assert result.exit_code == 0
    assert "accuracy 0." in result.stdout
    assert "naive Bayes" in result.stdout
    assert "negative" in result.stdout


def test_the_lines_are_in_chinese_where_asked_for(kerasbert, opened_once, data, tmp_path, monkeypatch):
    command = ("evaluate", opened_once, "--data", data)
    asked = kerasbert(*command, "--lang", "zh", "--output", tmp_path / "report")
    assert asked.exit_code == 0
    assert "准确率 0." in asked.stdout
    assert '<html lang="zh">' in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    monkeypatch.setenv("LANGUAGE", "zh_CN:zh")
    assert kerasbert(*command).stdout == asked.stdout
    assert "accuracy 0." in kerasbert(*command, "--lang", "en").stdout


def test_several_files_are_taken_together(kerasbert, opened_once, data, reviews_file):
    result = kerasbert("evaluate", opened_once, "--data", data, "--data", reviews_file, "--json")
    assert json.loads(result.stdout)["examples"] == 84


def test_the_report_is_written_and_named_on_stderr(kerasbert, opened_once, data, tmp_path):
    report = tmp_path / "deep" / "report"
    result = kerasbert("evaluate", opened_once, "--data", data, "--json", "--output", report)
    assert result.exit_code == 0
    assert str(report / "index.html") in result.stderr
    assert json.loads((report / "metrics.json").read_text()) == json.loads(result.stdout)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.jsonl", None, "missing.jsonl: cannot be read"),
        ("empty.tsv", "", "empty.tsv: holds no rows"),
        ("data.tsv", "body\tlabel\nx\tpositive\n", "has no column 'text'"),
        ("data.tsv", "text\tlabel\nx\tneutral\n", "data.tsv:2: unknown label 'neutral'"),
        ("data.tsv", "text\tlabel\n\tpositive\n", "holds no usable row"),
    ],
)
def test_wrong_data_are_refused(refused, opened_once, tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_text(content)
    assert message in refused("evaluate", opened_once, "--data", tmp_path / name, "--json")


def test_a_report_below_a_file_is_refused(kerasbert, opened_once, data, tmp_path):
    result = kerasbert("evaluate", opened_once, "--data", data, "--output", data / "report")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {data / 'report'}: cannot be written")


def test_a_full_disk_leaves_no_half_of_a_report(kerasbert, opened_once, data, tmp_path, largest_file):
    report = tmp_path / "report"
    with largest_file(4096):
        result = kerasbert("evaluate", opened_once, "--data", data, "--output", report)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {report / 'index.html'}: cannot be written")
    assert len(result.stderr.splitlines()) == 1
    assert not [path for path in report.iterdir() if path.suffix == ".html"]


def test_a_missing_model_is_refused(refused, data, tmp_path):
    assert "no such directory" in refused("evaluate", tmp_path / "nothing", "--data", data)


@pytest.mark.parametrize("kept", [0, 100, 20_000, -1])
def test_cut_weights_are_refused(refused, run_copy, data, kept):
    weights = run_copy / "model.weights.h5"
    weights.write_bytes(weights.read_bytes()[:kept])
    assert "model.weights.h5: " in refused("evaluate", run_copy, "--data", data)


@pytest.mark.parametrize("name", ["vocab.txt", "labels.txt"])
def test_a_vocabulary_or_labels_of_another_model_are_refused(refused, run_copy, data, name):
    lines = (run_copy / name).read_text(encoding="utf-8").splitlines()
    lines[-2:] = reversed(lines[-2:])
    (run_copy / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert f"does not match {name}" in refused("evaluate", run_copy, "--data", data)


@pytest.mark.parametrize("name", ["vocab.txt", "labels.txt", "model.weights.h5", "metrics.json"])
def test_a_run_that_lacks_a_file_is_refused(refused, run_copy, data, name):
    (run_copy / name).unlink()
    refused("evaluate", run_copy, "--data", data)


def test_rows_are_counted_once(refused, data):
    message = refused("evaluate", "run", "--data", data, "--data", data)
    assert message == f"Error: --data: names the file {data} twice. Name it once.\n"


TABLE = "评论内容,情感\n手机很好，快递也快,positive\n酒店太差，早餐难吃,negative\n,negative\n"


def test_columns_and_encoding_are_named_as_the_messages_say(kerasbert, refused, opened_once, tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(TABLE.encode("gb18030"))
    message = refused("evaluate", opened_once, "--data", path)
    assert message.strip().endswith("is not UTF-8. It reads as gb18030. Add --encoding gb18030.")
    message = refused("evaluate", opened_once, "--data", path, "--encoding", "gb18030")
    assert "has no columns 'text' and 'label'" in message
    assert message.strip().endswith("Add --text-column 评论内容 and --label-column 情感.")
    options = ("--encoding", "gb18030", "--text-column", "评论内容", "--label-column", "情感")
    result = kerasbert("evaluate", opened_once, "--data", path, *options, "--json")
    metrics = json.loads(result.stdout)
    assert (metrics["examples"], metrics["left_out"]) == (2, 1)
    from_stdin = kerasbert(
        "evaluate", opened_once, "--data", "-", *options, "--json", stdin=TABLE.encode("gb18030")
    )
    assert json.loads(from_stdin.stdout)["per_class"] == metrics["per_class"]


def test_lost_characters_are_a_warning_with_their_lines(kerasbert, opened_once, write):
    path = write("lost.csv", ["text,label", "好,positive", "\ufffd坏,negative"])
    result = kerasbert("evaluate", opened_once, "--data", path, "--json")
    assert json.loads(result.stdout)["examples"] == 2
    assert (
        f"Warning: {path}: 1 row(s) contain U+FFFD, left by an earlier conversion: line 3." in result.stderr
    )


def test_slices_and_groups_are_columns(kerasbert, refused, opened_once, write):
    lines = [f"手机很好{i},positive,{'web' if i % 2 else 'app'},{i // 4},{i}" for i in range(40)]
    path = write("data.csv", ["text,label,source,author,n", *lines])
    options = ("--slices", "source,n", "--group-column", "author")
    metrics = json.loads(kerasbert("evaluate", opened_once, "--data", path, *options, "--json").stdout)
    parts = {part["by"] for part in metrics["slices"]["slices"] if part["column"]}
    assert parts == {"source", "n"}
    assert metrics["intervals"]["groups"] == 10
    assert "source: web" in kerasbert("evaluate", opened_once, "--data", path, *options).stdout
    assert "--slices: the rows have no column 'city'" in refused(
        "evaluate", opened_once, "--data", path, "--slices", "source,city"
    )
