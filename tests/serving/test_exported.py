"""An exported model behind a real `kerasbert serve`: command line, labels, nginx, the page in a browser."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from kerasbert.cli import main
from kerasbert.deployment import ServedVersions
from kerasbert.errors import KerasBertError
from kerasbert.export import export_model
from kerasbert.serving import Client

from .conftest import eventually, running

pytestmark = pytest.mark.process
CHROMIUM = Path("/usr/bin/chromium")
TEXTS = ["手机很好", "", "酒店太差，再也不来", *(f"早餐{number}不错" for number in range(20))]


@pytest.fixture(scope="module")
def served(trained, tmp_path_factory):
    """Two versions, `stable` and `canary`, under the name that the export gave."""
    directory = tmp_path_factory.mktemp("models") / "shop reviews"
    export_model(trained.run.path, directory, signatures=["embed"])
    shutil.copytree(directory / "1", directory / "2")
    versions = ServedVersions(directory)
    versions.publish(2, before=1)
    versions.save()
    with running(directory, "--ui", name=None) as server:
        yield SimpleNamespace(directory=directory, server=server, classifier=trained.classifier)


@pytest.fixture(params=["REST", "gRPC"])
def url(served, request) -> str:
    server = served.server
    return (
        f"{server.rest}/shop-reviews"
        if request.param == "REST"
        else f"grpc://{server.grpc_address}/shop-reviews"
    )


def kerasbert(*arguments) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert (result.exit_code, result.stderr) == (0, ""), result.stderr
    return result.stdout


def numbers_apart(value):
    """The document without its numbers, and its numbers."""
    numbers: list[float] = []

    def strip(part):
        if isinstance(part, dict):
            return {key: strip(item) for key, item in part.items()}
        if isinstance(part, list):
            return [strip(item) for item in part]
        if isinstance(part, float):
            numbers.append(part)
            return None
        return part

    return strip(value), numbers


def assert_same(got, wanted, tolerance: float = 1e-5) -> None:
    (got, got_numbers), (wanted, wanted_numbers) = numbers_apart(got), numbers_apart(wanted)
    assert got == wanted
    np.testing.assert_allclose(got_numbers, wanted_numbers, atol=tolerance, rtol=0)


def test_predict_gives_the_answers_of_the_run(served, url, trained):
    got, wanted = (kerasbert("predict", model, *TEXTS) for model in (url, trained.run.path))
    assert_same(*([json.loads(line) for line in lines.splitlines()] for lines in (got, wanted)))


def test_evaluate_gives_the_metrics_of_the_run(served, url, trained, reviews_file):
    got, wanted = (
        json.loads(kerasbert("evaluate", model, "--data", reviews_file, "--json"))
        for model in (url, trained.run.path)
    )
    del wanted["baseline"], wanted["lengths"]  # a server tells neither the training rows nor tokens
    assert_same(got, wanted)


@pytest.mark.parametrize("label", [(), ("--label", "positive")])
def test_explain_gives_the_words_of_the_run(served, url, trained, label):
    got, wanted = (
        json.loads(kerasbert("explain", model, *TEXTS, *label, "--json")) for model in (url, trained.run.path)
    )
    assert_same(got, wanted, tolerance=1e-3)


def test_embed_gives_the_vectors_of_the_run(served, url, trained, tmp_path):
    source, output = tmp_path / "texts.txt", tmp_path / "a.npy"
    source.write_text("\n".join(TEXTS), encoding="utf-8")
    assert kerasbert("embed", url, "--input", source, "--output", output) == ""
    np.testing.assert_allclose(np.load(output), trained.model.embed(TEXTS), atol=1e-5, rtol=0)


def test_a_vector_is_a_plain_list_over_rest(served, trained):
    body = json.dumps({"signature_name": "embed", "instances": TEXTS[:2]})
    answer = served.server.post(body, "shop-reviews:predict").json()
    np.testing.assert_allclose(answer["predictions"], trained.model.embed(TEXTS[:2]), atol=1e-5, rtol=0)


def version_of(server, where: str) -> str:
    return server.get(f"shop-reviews{where}/metadata").json()["model_spec"]["version"]


def test_models_config_says_what_is_served_while_it_is_served(served):
    server = served.server
    labels = {label: version_of(server, f"/labels/{label}") for label in ("stable", "canary")}
    assert labels == {"stable": "1", "canary": "2"}
    assert version_of(server, "") == "2"  # the highest, as TensorFlow Serving
    versions = ServedVersions(served.directory)
    versions.label("stable", 2)
    versions.save()
    eventually(lambda: version_of(server, "/labels/stable") == "2")
    assert version_of(server, "/labels/previous") == "1"
    versions.rollback()
    versions.save()
    eventually(lambda: version_of(server, "/labels/stable") == "1")
    assert server.get("shop-reviews/labels/canary/metadata").status_code == 400


def test_the_exports_own_nginx_stands_before_it(served, run_nginx, secrets, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(secrets / "tls.crt"))
    behind = int(served.server.rest.split(":")[2].split("/")[0])
    expected = served.classifier.predict(TEXTS)
    with run_nginx(served.directory / "serving" / "nginx.conf", behind) as (port, log):
        url = f"https://127.0.0.1:{port}/v1/models/shop-reviews"
        refused = CliRunner().invoke(main, ["predict", url, "好"])
        assert refused.exit_code == 2
        assert "Authorization: Bearer KEY" in refused.stderr
        key = (secrets / "api_keys").read_text().split('"')[1].removeprefix("Bearer ")
        with Client(url, api_key=key) as client:
            assert client.predict(TEXTS)["label"].tolist() == expected["label"].tolist()
            assert client.embed(TEXTS)["vector"].shape == (len(TEXTS), 16)
            with pytest.raises(
                KerasBertError, match=r"serving_default, classify and embed are offered here\.$"
            ):
                client.explain(TEXTS[:1])
    assert " shop [" in log.read_text()
    opened = {"serving_default|classify|embed)": "serving_default|classify|embed|explain)"}
    with (
        run_nginx(served.directory / "serving" / "nginx.conf", behind, **opened) as (port, _),
        Client(f"https://127.0.0.1:{port}/v1/models/shop-reviews", api_key=key) as client,
    ):
        assert client.explain(TEXTS[:1])["words"].tolist() == [[c.encode() for c in TEXTS[0]]]


def test_the_page_tries_the_model_in_a_browser(served):
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip("/usr/bin/chromium is not there")
    assert "Web page: http://127.0.0.1:" in served.server.process.stdout.readline()
    complaints = []
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        page = browser.new_page(locale="en-GB")
        page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(served.server.rest.removesuffix("v1/models"))
        page.get_by_role("heading", name="shop-reviews", exact=True).wait_for()
        page.get_by_label("Text", exact=True).fill(TEXTS[0])
        page.get_by_role("button", name="Classify").click()
        page.locator("#words .word").first.wait_for()
        assert page.locator("#words .word").all_inner_texts() == list(TEXTS[0])
        expected = [label.decode() for label in served.classifier.predict(TEXTS)["label"]]
        assert page.locator("#label").inner_text() == expected[0]
        content = "".join(f"{json.dumps({'text': text})}\n" for text in TEXTS)
        page.locator("#file").set_input_files(
            {"name": "rows.jsonl", "mimeType": "text/plain", "buffer": content.encode()}
        )
        page.locator("#rows tr").first.wait_for()
        rows = [row.locator("td").all_inner_texts()[1:3] for row in page.locator("#rows tr").all()]
        assert rows == [list(row) for row in zip(TEXTS, expected, strict=True)]
        browser.close()
    assert complaints == []


def test_explanations_can_be_refused(served):
    with running(served.directory, "--explain-rows", "0") as server:  # and by another name
        body = json.dumps({"signature_name": "explain", "instances": [{"text": "好", "label": ""}]})
        answer = server.post(body)
        assert answer.status_code == 400
        assert "a request for explain may have 0" in answer.json()["error"]
        assert server.post('{"instances": ["好"]}').status_code == 200
        statuses = server.get().json()["model_version_status"]
        assert {status["version"] for status in statuses} == {"1", "2"}
