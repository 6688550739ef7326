import base64
import codecs
import contextlib
import csv
import io
import json
import re
import threading
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import numpy as np
import pytest
import tensorflow as tf
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from kerasbert.data.columns import Columns
from kerasbert.data.read import read_rows
from kerasbert.errors import DataError
from kerasbert.export.signatures import build_signatures
from kerasbert.models import TextClassifier
from kerasbert.serving.page import page_routes

playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright_api.expect
CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="/usr/bin/chromium is not there"),
]

GRADED = ("手机很好", "手机", "很好太差", "酒店太差")
HOSTILE = '<img src=x onerror="document.title=1">手机很好'
LIMIT = 20_000  # milliseconds


class StandIn:
    """What TensorFlow Serving answers in its row format, to a page that asks as it should."""

    def __init__(self, signatures):
        self.signatures = signatures
        self.requests: list[dict] = []
        self.broken: set[str] = set()  # signatures that fail

    def routes(self, name: str) -> list[Route]:
        return [
            Route(f"/v1/models/{name}/metadata", self.metadata),
            Route(f"/v1/models/{name}:predict", self.predict, methods=["POST"]),
        ]

    async def metadata(self, request) -> JSONResponse:
        signatures = {
            key: {
                "inputs": {name: {"dtype": "DT_STRING"} for name in inputs(function)},
                "outputs": {name: {} for name in function.structured_outputs},
            }
            for key, function in self.signatures.items()
        }
        return JSONResponse({"metadata": {"signature_def": {"signature_def": signatures}}})

    async def predict(self, request) -> JSONResponse:
        body = await request.json()
        self.requests.append(body)
        name = body["signature_name"]
        if name in self.broken:
            return JSONResponse({"error": f"{name} is <b>broken</b>"}, 400)
        signature = self.signatures[name]
        names = inputs(signature)
        rows = body["instances"]
        if name == "classify":
            rows = [{"inputs": base64.b64decode(row["b64"])} for row in rows]
        assert all(set(row) == set(names) for row in rows)
        outputs = signature(**{key: tf.constant([row[key] for row in rows]) for key in names})
        columns = {key: plain(value.numpy()) for key, value in outputs.items()}
        predictions = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        return JSONResponse({"predictions": predictions})


def inputs(function) -> list[str]:
    arguments, keywords = function.structured_input_signature
    return [spec.name for spec in (*arguments, *keywords.values())]


def plain(values: np.ndarray) -> list:
    if values.dtype == object:
        values = np.vectorize(bytes.decode, otypes=[object])(values) if values.size else values
    return values.tolist()


@contextlib.contextmanager
def serving(stand_in: StandIn):
    """Serves the page and the stand-in on a free port; yields the address."""
    app = Starlette(routes=[*page_routes("reviews"), *stand_in.routes("reviews")])
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", 0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def served(trained):
    stand_in = StandIn(build_signatures(trained.classifier))
    with serving(stand_in) as url:
        yield SimpleNamespace(url=url, stand_in=stand_in, classifier=trained.classifier)


@pytest.fixture(scope="module")
def served_pairs(trained):
    config = trained.classifier.config.model_copy(deep=True)
    config.data.pair_column = "pair"
    classifier = TextClassifier(config, trained.classifier.task, trained.classifier.text_graph.vocabulary)
    stand_in = StandIn(build_signatures(classifier))
    with serving(stand_in) as url:
        yield SimpleNamespace(url=url, stand_in=stand_in, classifier=classifier)


@pytest.fixture(scope="module")
def served_rejecting(trained):
    """Accepts half of `GRADED`."""
    config = trained.classifier.config.model_copy(deep=True)
    config.decision.reject_below = float(np.median(trained.classifier.predict(GRADED)["score"]))
    classifier = TextClassifier(config, trained.classifier.task, trained.classifier.text_graph.vocabulary)
    classifier.model.set_weights(trained.classifier.model.get_weights())
    stand_in = StandIn(build_signatures(classifier))
    with serving(stand_in) as url:
        yield SimpleNamespace(url=url, stand_in=stand_in, classifier=classifier)


@pytest.fixture(scope="module")
def chromium():
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium):
    """Opens the page; at the end nothing may have complained or left this machine."""
    complaints, hosts, contexts, expected = [], set(), [], []

    def go(served, locale="en-GB", **settings):
        served.stand_in.broken.clear()
        served.stand_in.requests.clear()
        context = chromium.new_context(locale=locale, **settings)
        context.set_default_timeout(LIMIT)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
        page.goto(served.url)
        expect(page.get_by_role("heading", name="reviews", exact=True)).to_be_visible()
        page.expected_complaints = expected
        return page

    yield go
    for context in contexts:
        context.close()
    assert [text for text in complaints if not any(part in text for part in expected)] == []
    assert hosts - {None, ""} == {"127.0.0.1"}


def ask(page, text: str) -> None:
    page.get_by_label("Text", exact=True).fill(text)
    page.get_by_role("button", name="Classify").click()
    page.locator("#words .word, #words .hint").first.wait_for()


def upload(page, name: str, content: str | bytes) -> None:
    data = content if isinstance(content, bytes) else content.encode()
    page.locator("#file").set_input_files({"name": name, "mimeType": "text/plain", "buffer": data})


def table(page) -> list[list[str]]:
    page.locator("#rows tr").first.wait_for()
    return [row.locator("td").all_inner_texts() for row in page.locator("#rows tr").all()]


def downloaded(page) -> list[list[str]]:
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    content = Path(download.value.path()).read_bytes()
    assert content.startswith(codecs.BOM_UTF8)
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_a_text_gets_its_label_its_probabilities_and_its_words(served, visit):
    page = visit(served)
    ask(page, "手机很好")
    expected = served.classifier.predict(["手机很好"])
    assert page.locator("#label").inner_text() == expected["label"][0].decode()
    bars = dict(bar.inner_text().split("\n")[:2] for bar in page.locator("#bars button").all())
    assert bars == {
        label: f"{100 * probability:.1f}%"
        for label, probability in zip(served.classifier.labels, expected["probabilities"][0], strict=True)
    }
    assert page.locator("#words .word").all_inner_texts() == list("手机很好")
    assert page.locator("#top li").count() == 4


def test_words_are_marked_by_sign_and_size_without_colours_too(served, visit):
    page = visit(served)
    ask(page, "手机太差，酒店很好")
    words = page.locator("#words .word").all()
    values = [float(word.get_attribute("title").replace("−", "-")) for word in words]
    largest = max(map(abs, values))
    assert {"for", "against"} <= {name for word in words for name in word.get_attribute("class").split()}
    for word, value in zip(words, values, strict=True):
        style, width = word.evaluate(
            "e => (s => [s.borderBottomStyle, s.borderBottomWidth])(getComputedStyle(e))"
        )
        if abs(value) > 0.2 * largest:
            assert style == ("solid" if value > 0 else "dashed")
            assert float(width.removesuffix("px")) >= 1
    widest = max(words, key=lambda w: w.evaluate("e => parseFloat(getComputedStyle(e).borderBottomWidth)"))
    assert abs(values[words.index(widest)]) > 0.7 * largest


def test_another_label_can_be_explained(served, visit):
    page = visit(served)
    ask(page, "手机很好")
    first = page.locator("#words-title").inner_text()
    page.locator("#bars button[aria-pressed=false]").click()
    expect(page.locator("#words-title")).not_to_have_text(first)
    label = page.locator("#bars button[aria-pressed=true] .name").inner_text()
    assert served.stand_in.requests[-1]["instances"] == [{"text": "手机很好", "label": label}]


def test_the_keyboard_is_enough(served, visit):
    page = visit(served)
    page.keyboard.type("手机很好")  # the field has the focus
    page.keyboard.press("Control+Enter")
    page.locator("#words .word").first.wait_for()
    for _ in range(4):  # classify, then the file... the bars come between
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('#bars') !== null"):
            break
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#bars li:nth-child(2) button[aria-pressed=true]").wait_for()
    assert page.evaluate("document.activeElement.matches('#bars li:nth-child(2) button')")


def test_the_language_is_the_browsers_and_can_be_switched(served, visit):
    page = visit(served, locale="zh-CN")
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    page.get_by_label("文本", exact=True).fill("手机很好")
    page.get_by_role("button", name="分类", exact=True).click()
    page.get_by_text("影响最大的词").wait_for()
    page.get_by_role("button", name="English").click()
    assert page.locator("html").get_attribute("lang") == "en"
    page.get_by_text("Words that mattered most").wait_for()
    assert not re.search(
        "[一-龥]",
        page.locator("body").inner_text().replace("中文", "").translate(dict.fromkeys(map(ord, "手机很好"))),
    )


def test_both_languages_say_the_same_things(served, visit):
    page = visit(served)
    said = page.evaluate("import('./say.js').then(m => m.SAY)")
    assert set(said["en"]) == set(said["zh"])
    for key, text in said["en"].items():
        assert set(re.findall(r"{\d}", text)) == set(re.findall(r"{\d}", said["zh"][key])), key


def test_a_hostile_text_is_only_text(served, visit):
    page = visit(served)
    ask(page, HOSTILE)
    assert page.locator("main img, main b").count() == 0
    assert "onerror" in "".join(page.locator("#words .word").all_inner_texts())
    upload(page, "rows.txt", HOSTILE)
    assert table(page)[0][1] == HOSTILE
    upload(page, f"{HOSTILE.replace('/', '')}.csv", f'"{HOSTILE.replace(chr(34), chr(34) * 2)}",b\n1,2\n')
    page.locator("#file-error:visible").get_by_text("onerror").wait_for()
    assert page.locator("main img").count() == 0
    assert page.title() == "reviews · kerasbert"


@pytest.mark.parametrize("signature", ["serving_default", "explain"])
def test_an_error_of_the_server_is_shown_as_it_is(served, visit, signature):
    page = visit(served)
    page.expected_complaints.append("status of 400")  # Chromium's own line
    served.stand_in.broken.add(signature)
    page.get_by_label("Text", exact=True).fill("手机很好")
    page.get_by_role("button", name="Classify").click()
    page.get_by_text(f"The server answered 400: {signature} is <b>broken</b>").wait_for()
    assert page.locator("#label").is_visible() == (signature == "explain")
    served.stand_in.broken.clear()
    ask(page, "手机很好")
    assert not page.locator("#error").is_visible()


def test_a_server_that_is_gone_is_told(trained, visit):
    stand_in = StandIn(build_signatures(trained.classifier))
    with serving(stand_in) as url:
        page = visit(SimpleNamespace(url=url, stand_in=stand_in))
    page.expected_complaints.append("ERR_CONNECTION_REFUSED")
    page.get_by_role("button", name="Classify").click()
    page.get_by_text("The server cannot be reached.").wait_for()


def test_a_model_without_explanations_is_served_all_the_same(trained, visit):
    signatures = build_signatures(trained.classifier)
    del signatures["explain"]
    stand_in = StandIn(signatures)
    with serving(stand_in) as url:
        page = visit(SimpleNamespace(url=url, stand_in=stand_in))
        page.get_by_label("Text", exact=True).fill("手机很好")
        page.get_by_role("button", name="Classify").click()
        page.locator("#bars .name").first.wait_for()
        assert not page.locator("#explanation").is_visible()
        assert page.locator("#error").is_hidden()


FILES = {
    "rows.txt": "手机很好\r\n\n酒店,太差\n",
    "rows.csv": 'id,Text\n1,手机很好\n2,\n3,"酒店,太差"\n',
    "rows.tsv": "text\tid\n手机很好\t1\n\t2\n酒店,太差\t3\n",
    "rows.jsonl": '{"text": "手机很好"}\n{"text": ""}\n\n{"text": "酒店,太差", "id": 3}',
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_files_are_answered_row_by_row(served, visit, name, encoding):
    page = visit(served)
    upload(page, name, FILES[name].encode(encoding))
    texts = ["手机很好", "", "酒店,太差"]
    labels = [label.decode() for label in served.classifier.predict(texts)["label"]]
    assert [row[:3] for row in table(page)] == [
        [str(number), *cells] for number, cells in enumerate(zip(texts, labels, strict=True), 1)
    ]


@pytest.mark.parametrize(
    ("encoding", "offered"),
    [("gb18030", "GB18030"), ("big5", "BIG5"), ("utf-16", "UTF-16LE"), ("utf-16-le", "UTF-16LE"),
     ("utf-16-be", "UTF-16BE")],
)  # fmt: skip
def test_another_encoding_is_named_and_used_once_it_is_chosen(served, visit, encoding, offered):
    page = visit(served)
    text = "房間乾淨,服務好" if encoding == "big5" else "房间干净,服务好"
    upload(page, "rows.csv", f'id,text\n1,"{text}"\n'.encode(encoding))
    error = page.locator("#file-error:visible")
    expect(error).to_contain_text("is not UTF-8. It can be read as")
    expect(error).to_contain_text(offered)
    assert served.stand_in.requests[-1]["signature_name"] == "classify"  # no row was sent
    page.get_by_role("button", name=f"{offered}: ").get_by_text(text).click()
    assert table(page)[0][1] == text
    assert page.locator("#choices").is_hidden()
    assert error.is_hidden()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("手机很好\n酒店".encode() + b"\xff\n" + "早餐不错\n".encode() * 9, "is not UTF-8, first in line 2."),
        ("手机很好\n".encode() * 9 + "酒店".encode("gb18030"), "is not UTF-8, first in line 10."),
        (b"\xff", "is not UTF-8, first in line 1."),
        (b"text\0\n", "is no text"),
        (b"\x1f\x8b\x08\0", "is no text"),
        (b"PK\x03\x04" + bytes(range(256)), "is no text"),
        (b"PAR1abc", "is no text"),
    ],
)
def test_what_is_no_text_is_refused(served, visit, content, message):
    page = visit(served)
    upload(page, "rows.txt", content)
    expect(page.locator("#file-error:visible")).to_contain_text(message)
    assert page.locator("#choices").is_hidden()
    assert not page.locator("#answers").is_visible()


def test_characters_that_were_lost_before_are_told(served, visit):
    page = visit(served)
    upload(page, "rows.txt", "手机很好\n酒\ufffd很好\n")
    assert len(table(page)) == 2
    expect(page.locator("#file-notice:visible")).to_contain_text("In row 2 stands \ufffd")
    upload(page, "rows.txt", "手机很好\n")
    page.locator("#rows tr:only-child").wait_for()
    assert page.locator("#file-notice").is_hidden()


@pytest.mark.parametrize(
    ("name", "content", "texts"),
    [
        ("rows.csv", "text,id\n好,1\n\n坏,2\n\n", ["好", "", "坏", ""]),
        ("rows.csv", "\n\ntext\r\n好\r坏\n", ["好", "坏"]),
        ("rows.csv", "id;text\n1;好，坏\n", ["好，坏"]),
        ("rows.csv", 'text\n"a ""b""\nc"\n', ['a "b"\nc']),
        ("ROWS.TSV", 'id\ttext\n1\t"好" 坏\n\n', ['"好" 坏', ""]),
        ("rows.csv", "评论\n好\n", ["好"]),
        ("rows.jsonl", '{"review": "好"}\n\n{"review": null}\n', ["好", ""]),
        ("rows.ndjson", '{"text": "好", "id": 1}\n', ["好"]),
    ],
)
def test_rows_are_those_of_the_command_line(served, visit, tmp_path, name, content, texts):
    page = visit(served)
    upload(page, name, content)
    assert [row[1] for row in table(page)] == [" ".join(text.split("\n")) for text in texts]
    path = tmp_path / name
    path.write_bytes(content.encode())
    assert [row.text for row in read_rows(path, Columns(label=None))] == texts


def test_any_table_is_read_as_on_the_command_line(served, visit, tmp_path):
    """Where one of the two refuses a file, so does the other."""
    random = np.random.default_rng(14)
    pieces = ["好", "a", " ", ",", ";", "\t", '"', '""', "\n", "\r\n", "1,好", "2\t好", '3,"好"', ""]
    headers = [
        "id,text\n",
        "id\ttext\n",
        "text\n",
        "id;text\n",
        '"id","text"\n',
        "\n\ntext,id\r\n",
        "a,b\n",
        "",
    ]
    files = [
        [
            f"rows{place}{random.choice(['.csv', '.tsv', '.txt'])}",
            random.choice(headers) + "".join(random.choice(pieces, random.integers(8))),
        ]
        for place in range(400)
    ]
    script = """async (files) => {
      const { parse } = await import("./files.js");
      return files.map(([name, content]) => {
        try { return parse(name, content, ["text"]).map((row) => row.text); } catch (error) { return null; }
      });
    }"""
    for (name, content), texts in zip(files, visit(served).evaluate(script, files), strict=True):
        (tmp_path / name).write_bytes(content.encode())
        try:
            expected = [row.text for row in read_rows(tmp_path / name, Columns(label=None))]
        except DataError:
            expected = None
        assert (texts or None) == (expected or None), (name, content)  # without a row it is refused too


def test_another_column_is_used_once_it_is_chosen(served, visit):
    page = visit(served)
    upload(page, "rows.csv", "编号;内容\n1;手机很好\n".encode("gb18030"))
    page.get_by_role("button", name="GB18030").click()
    expect(page.locator("#file-error:visible")).to_contain_text("no column “text”. Its columns: 编号, 内容")
    assert page.locator("#choices button").all_inner_texts() == ["Texts are in “内容”", "Texts are in “编号”"]
    page.get_by_role("button", name="内容").click()
    assert table(page)[0][1] == "手机很好"


def test_the_page_says_how_much_of_a_long_text_was_read(served, visit):
    page = visit(served)
    longest = served.classifier.config.training.max_length
    ask(page, "好" * (longest + 100))
    expect(page.locator("#cut")).to_contain_text(f"read {longest - 2} of {longest + 100} tokens")
    ask(page, "手机很好")
    expect(page.locator("#words .word")).to_have_count(4)
    assert page.locator("#cut").is_hidden()


def test_a_long_file_goes_in_batches_and_comes_back_as_csv(served, visit):
    page = visit(served)
    texts = [f"{thing}{i}" for i, thing in enumerate(["手机很好", "酒店太差", "早餐不错"] * 100)]
    upload(page, "rows.txt", "\n".join(texts))
    assert len(table(page)) == 200
    sizes = [
        len(r["instances"]) for r in served.stand_in.requests if r["signature_name"] == "serving_default"
    ]
    assert sizes == [32] * 9 + [12]
    header, *rows = downloaded(page)
    assert header == ["text", "label", "score", "p(negative)", "p(positive)"]
    assert [row[0] for row in rows] == texts
    expected = served.classifier.predict(texts)
    assert [row[1] for row in rows] == [label.decode() for label in expected["label"]]
    np.testing.assert_allclose(
        np.array([row[3:] for row in rows], float), expected["probabilities"], atol=1e-5
    )
    counts = Counter(row[1] for row in rows)
    assert page.locator("#summary").inner_text().startswith("300 rows")
    for label, count in counts.items():
        assert f"{label} {count}" in page.locator("#summary").inner_text()


def test_what_is_not_accepted_is_told(served_rejecting, visit):
    accepted = served_rejecting.classifier.predict(GRADED)["accepted"].tolist()
    assert sorted(accepted) == [False, False, True, True]
    page = visit(served_rejecting)
    for text, is_accepted in zip(GRADED, accepted, strict=True):
        ask(page, text)
        expect(page.locator("#label")).to_be_visible()
        expect(page.locator("#unsure")).to_be_visible(visible=not is_accepted)
    upload(page, "rows.txt", "\n".join(GRADED))
    assert [row[-1] for row in table(page)] == ["yes" if each else "no" for each in accepted]
    header, *rows = downloaded(page)
    assert header[:4] == ["text", "label", "score", "accepted"]
    assert [row[3] for row in rows] == [str(each).lower() for each in accepted]


def test_the_download_gives_a_spreadsheet_nothing_to_run(served, visit):
    page = visit(served)
    texts = ["=1+1", "+1", "-1", "@A1", "\t=1", "＝1", "好=1", 'a "b", c\n=d', " x"]
    upload(page, "rows.jsonl", "\n".join(json.dumps({"text": text}) for text in texts))
    table(page)
    cells = [row[0] for row in downloaded(page)[1:]]
    assert cells == [f"'{text}" for text in texts[:6]] + texts[6:]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows.csv", "a,b\n1,2\n", "The file has no column “text”. Its columns: a, b"),
        ("rows.csv", 'text\n"open\n', "A quotation mark is never closed."),
        ("rows.csv", 'text\n"a"b\n', "Row 2: something follows a closing quotation mark."),
        ("rows.csv", "text,id\n\n1,2,3\n", "Line 3: has 3 cells, the header has 2."),
        ("rows.csv", "text,text\n1,2\n", "Two columns are named “text”."),
        ("rows.jsonl", '{"text": "a"}\n{"text": 1}\n', "Line 2: is not JSON with a string “text”."),
        ("rows.txt", "", "The file holds no rows."),
        ("rows.xlsx", "PK", "Choose a .txt, .csv, .tsv or .jsonl file."),
    ],
)
def test_a_file_that_cannot_be_read_is_told(served, visit, name, content, message):
    page = visit(served)
    upload(page, name, content)
    page.get_by_text(message).wait_for()
    assert not page.locator("#answers").is_visible()


def test_pairs_have_two_fields(served_pairs, visit):
    page = visit(served_pairs)
    page.get_by_label("Second text").fill("酒店")
    ask(page, "手机很好")
    assert [line.inner_text() for line in page.locator("#words p").all()] == ["手机很好", "酒店"]
    upload(page, "rows.txt", "手机\t酒店\n早餐\t衣服\n")
    assert [row[1:3] for row in table(page)] == [["手机", "酒店"], ["早餐", "衣服"]]
    upload(page, "rows.txt", "手机\n")
    page.get_by_text("Line 1: has no tab between two texts.").wait_for()


def test_nothing_may_be_run_or_loaded_from_elsewhere(served, visit):
    page = visit(served)
    page.expected_complaints += ["Content Security Policy"]
    policy = page.request.get(served.url).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    page.evaluate(
        "s = Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'});"
        "document.head.append(s)"
    )
    assert page.evaluate("window.ran") is None
    source = page.content()
    assert not re.search(
        r"<script(?![^>]*src=\"page.js\")|\son\w+=|style=", page.request.get(served.url).text()
    )
    assert "http://" not in source.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_is_wider_than_the_screen(served, visit, width):
    page = visit(served, viewport={"width": width, "height": 800})
    ask(page, "手机很好" * 3 + "x" * 90)
    upload(page, "rows.txt", "y" * 300)
    table(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
