import dataclasses
import html
import json
import re
import shutil
import subprocess
import warnings
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from kerasbert.checkpoints import RunDirectory
from kerasbert.errors import UserError
from kerasbert.evaluation import Evaluation, report_training, write_report
from kerasbert.evaluation.slices import CAUTION
from kerasbert.evaluation.summary import brief, remarks

CHROMIUM = Path("/usr/bin/chromium")
LABELS = ("<script>alert(1)</script>", "a&b \"quoted\" 'x'", "消极")
TEXT = "</td><script>document.title='owned'</script><img src=http://evil.example/x onerror=alert(1)>"
HISTORY = [
    {"epoch": 1, "loss": 0.7, "val_loss": 0.6, "val_accuracy": 0.5},
    {"epoch": 2, "loss": 0.5, "val_loss": 0.55, "val_accuracy": 0.75},
]
_ADDRESSES = {"src", "srcset", "href", "xlink:href", "action", "formaction", "data", "poster", "background"}


class Page(HTMLParser):
    def __init__(self, text: str):
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.style, self.text, self.drawn = "", "", ""
        self._in, self._in_plot = "", False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self._in = tag
        self._in_plot |= tag == "svg"
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        self._in = ""
        self._in_plot &= tag != "svg"

    def handle_data(self, data):
        if self._in == "style":
            self.style += data
        elif self._in_plot:
            self.drawn += data
        else:
            self.text += data


@pytest.fixture(scope="module")
def evaluation(evaluate_chosen) -> Evaluation:
    rows = [((LABELS[i % 3],), np.eye(3)[i % 3] * 0.9 + 0.03, f"right {i}") for i in range(6)]
    rows += [((LABELS[0],), [0.1 - i / 1000, 0.2 + i / 1000, 0.7], f"wrong {i}") for i in range(60)]
    rows += [((LABELS[1],), [0.99, 0.0, 0.01], TEXT), ((LABELS[2],), [0.1, 0.8, 0.1], "零\0一\u2028二")]
    return evaluate_chosen(LABELS, rows)


@pytest.fixture(scope="module")
def report(evaluation: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("report") / "deep" / "report"
    return write_report(evaluation, directory, f"运行 {TEXT}", HISTORY).parent


@pytest.fixture(scope="module")
def page(report: Path) -> Page:
    return Page((report / "index.html").read_text(encoding="utf-8"))


def mistakes_of(report: Path) -> list[dict]:
    return [json.loads(line) for line in (report / "mistakes.jsonl").read_bytes().decode().split("\n")[:-1]]


def test_the_page_loads_nothing_from_elsewhere(page):
    loaded = [value for name, value in page.attributes if name in _ADDRESSES]
    assert all(value.startswith("#") for value in loaded), loaded
    assert not {"script", "link", "iframe", "img", "image", "object", "embed", "base"} & set(page.tags)
    styles = [page.style, *(value for name, value in page.attributes if name == "style")]
    assert not any(re.search(r"@import|url\(\s*['\"]?(?!#)", style) for style in styles)


def test_labels_and_texts_do_not_become_markup(page):
    for label in LABELS:
        assert page.text.count(label) >= 4  # by label, twice in the matrix, mistakes
        assert page.drawn.count(label) == 1
    assert page.text.count(TEXT) == 3  # two titles and a mistake
    assert not [name for name, _ in page.attributes if name.startswith("on")]


def test_the_page_has_the_metrics(page, evaluation):
    metrics = evaluation.metrics
    for value in (metrics["accuracy"], metrics["macro_f1"], metrics["per_class"]["消极"]["recall"]):
        assert f"{value:.4f}" in page.text
    assert "50 of 62" in page.text
    assert "wrong 59" in page.text
    assert "wrong 0" not in page.text
    assert all(str(count) in page.text for row in metrics["confusion"] for count in row)


def test_there_is_a_plot_for_each_question(page, evaluation, tmp_path):
    assert page.tags.count("svg") == 4
    without_history = write_report(evaluation, tmp_path, "title")
    assert Page(without_history.read_text(encoding="utf-8")).tags.count("svg") == 3


def test_metrics_json_holds_the_metrics(report, evaluation):
    assert json.loads((report / "metrics.json").read_text(encoding="utf-8")) == evaluation.metrics


def test_all_mistakes_are_listed_the_most_confident_first(report, evaluation):
    mistakes = mistakes_of(report)
    wrong = np.flatnonzero(evaluation.probabilities.argmax(1) != evaluation.targets.argmax(1))
    assert sorted(m["text"] for m in mistakes) == sorted(evaluation.rows.rows[i].text for i in wrong)
    confidence = [m["confidence"] for m in mistakes]
    assert confidence == sorted(confidence, reverse=True)
    assert mistakes[0]["text"] == TEXT
    assert mistakes[0]["confidence"] == pytest.approx(1.0, abs=1e-4)


def test_a_mistake_names_its_row(report, evaluation):
    mistake = next(m for m in mistakes_of(report) if m["text"].startswith("零"))
    row = evaluation.rows.rows[mistake["line"] - 1]
    assert (mistake["file"], mistake["text"]) == (row.file, row.text)
    assert (mistake["truth"], mistake["decided"]) == (LABELS[2], LABELS[1])


def test_mistakes_of_several_labels_name_them_all(evaluate_chosen, tmp_path):
    rows = [(("a", "b"), [0.9, 0.1, 0.8]), ((), [0.1, 0.2, 0.1])]
    mistakes = mistakes_of(write_report(evaluate_chosen("abc", rows, threshold=0.5), tmp_path, "t").parent)
    assert [(m["truth"], m["decided"]) for m in mistakes] == [("a | b", "a | c")]
    assert "Confusion matrix" not in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_a_model_without_mistakes_has_a_report(evaluate_chosen, tmp_path):
    evaluation = evaluate_chosen("ab", [(("a",), [1.0, 0.0]), (("b",), [0.0, 1.0])])
    write_report(evaluation, tmp_path, "t")
    assert (tmp_path / "mistakes.jsonl").read_bytes() == b""


def test_chinese_labels_do_not_warn(evaluate_chosen, tmp_path, caplog):
    labels = ("体育新闻", "财经𠮷", "😀")
    evaluation = evaluate_chosen(labels, [((label,), [0.5, 0.3, 0.2]) for label in labels])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        page = write_report(evaluation, tmp_path, "报告", HISTORY)
    assert not caught
    assert not caplog.records
    assert "体育新闻" in Page(page.read_text(encoding="utf-8")).drawn


@pytest.mark.parametrize("label", ["$5-$10", r"$\frac$", "a_b^c", "%s {0} {{ x }}", r"\n", "_hidden", "-->"])
def test_labels_are_shown_as_they_are(evaluate_chosen, tmp_path, label):
    evaluation = evaluate_chosen([label, "b"], [((label,), [0.9, 0.1]), (("b",), [0.9, 0.1])])
    page = Page(write_report(evaluation, tmp_path, "title").read_text(encoding="utf-8"))
    assert page.text.count(label) >= 5
    assert page.drawn.count(label) == 1


def test_a_report_replaces_an_older_one(evaluation, evaluate_chosen, tmp_path):
    write_report(evaluation, tmp_path, "old")
    write_report(evaluate_chosen("ab", [(("a",), [1.0, 0.0])]), tmp_path, "new")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["index.html", "metrics.json", "mistakes.jsonl"]
    assert "wrong 59" not in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "metrics.json").read_text())["examples"] == 1


def test_the_page_has_the_remarks_of_the_console(evaluate_chosen, tmp_path):
    evaluation = evaluate_chosen(("a", "b<"), [(("a",), [1.0, 0.0]), (("b<",), [1.0, 0.0])])
    page = write_report(evaluation, tmp_path, "t").read_text(encoding="utf-8")
    for remark in remarks(evaluation.metrics):
        assert f"<p>{html.escape(remark)}</p>" in page
    assert "Recall 0, none of their rows was found: b&lt;." in page


def test_the_report_of_a_training_shows_its_validation_rows(trained, tmp_path):
    run = RunDirectory(shutil.copytree(trained.run.path, tmp_path / "run"))
    page, shown = report_training(dataclasses.replace(trained, run=run))
    assert page == run.report / "index.html"
    metrics = json.loads((run.report / "metrics.json").read_text(encoding="utf-8"))
    assert metrics == shown
    assert metrics["accuracy"] == trained.metrics["accuracy"]
    assert metrics["per_class"] == trained.metrics["per_class"]
    assert metrics["baseline"]["model"]
    assert page.read_text(encoding="utf-8").count("<svg") == 4


@pytest.mark.skipif(not CHROMIUM.exists(), reason="needs /usr/bin/chromium")
def test_a_browser_shows_the_metrics_and_runs_nothing(report, evaluation, tmp_path):
    flags = (
        "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --virtual-time-budget=2000 --dump-dom"
    )
    address = (report / "index.html").as_uri()
    command = [str(CHROMIUM), *flags.split(), f"--user-data-dir={tmp_path}", address]
    dom = subprocess.run(command, capture_output=True, timeout=60, check=True).stdout.decode()
    shown = Page(dom)
    for value in (evaluation.metrics["accuracy"], evaluation.metrics["macro_f1"]):
        assert f"{value:.4f}" in shown.text
    assert "消极" in shown.text
    assert "<title>owned" not in dom
    assert "script" not in shown.tags
    assert shown.tags.count("svg") == 4


def test_the_page_shows_intervals_and_parts(report, evaluation):
    page = Page((report / "index.html").read_text(encoding="utf-8"))
    for ends in (
        evaluation.metrics["intervals"]["accuracy"],
        evaluation.metrics["slices"]["slices"][0]["interval"],
    ):
        assert brief(ends) in page.text
    assert "Parts of the rows" in page.text
    assert CAUTION in page.text


def test_a_report_replaces_nothing_of_a_run(tmp_path):
    for run in ("run", "several/seed-1"):
        (tmp_path / run).mkdir(parents=True)
        (tmp_path / run / "config.yaml").touch()
    for directory in (tmp_path / "run", tmp_path / "several"):
        with pytest.raises(
            UserError, match=f"{re.escape(str(directory))}: holds a run, whose files a report would replace"
        ):
            write_report(None, directory, "title")
        assert not (directory / "metrics.json").exists()
