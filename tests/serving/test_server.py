"""`kerasbert serve` as a process: start, reload, signals, death."""

import concurrent.futures
import json
import shutil
import signal
import socket
import threading
import time

import httpx2
import pytest
import yaml

from kerasbert.serving.server import _listen

from .conftest import eventually, publish, running

pytestmark = pytest.mark.process

BODY = '{"instances": [1.0]}'


def versions(server) -> dict[str, str]:
    statuses = server.get().json()["model_version_status"]
    return {status["version"]: status["state"] for status in statuses}


def test_the_first_line_says_what_it_is_and_where(server):
    assert server.announced.startswith("Serving the model ")
    assert server.post(BODY).json() == {"predictions": [2.5]}


def test_the_openapi_file_is_served(server):
    document = yaml.safe_load(httpx2.get(server.rest.replace("/v1/models", "/openapi.yaml")).text)
    assert document["openapi"] == "3.1.0"
    assert "/v1/models/{model}:predict" in document["paths"]


def test_metrics_have_tensorflow_servings_names(server):
    server.post(BODY)
    server.post(BODY, "nobody:predict")
    page = httpx2.get(server.rest.replace("/v1/models", "/monitoring/prometheus/metrics")).text
    assert "# TYPE :tensorflow:serving:request_count counter\n" in page
    assert ':tensorflow:serving:request_count{model_name="m",status="OK"}' in page
    assert ':tensorflow:serving:request_count{model_name="unknown",status="NOT_FOUND"}' in page
    assert ":tensorflow:serving:request_latency_bucket{" in page
    assert "nobody" not in page


def test_answers_are_not_held_back_by_nagles_algorithm():
    with _listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP  # what asyncio looks at


@pytest.mark.slow
def test_a_change_of_versions_fails_no_request(model_dir, saved, saved_next):
    with running(model_dir) as server:
        stop, answers = threading.Event(), []

        def ask() -> None:
            with httpx2.Client(timeout=60.0) as client:
                while not stop.is_set():
                    response = client.post(f"{server.rest}/m:predict", content=BODY)
                    answers.append((response.status_code, response.text))

        with concurrent.futures.ThreadPoolExecutor() as pool:
            asking = [pool.submit(ask) for _ in range(4)]
            publish(model_dir / "2", saved_next)
            eventually(lambda: versions(server) == {"2": "AVAILABLE", "1": "END"})
            broken = model_dir / ".3"
            shutil.copytree(saved, broken)
            (broken / "saved_model.pb").write_bytes(b"\0")
            broken.rename(model_dir / "3")
            eventually(lambda: versions(server).get("3") == "END")
            seen = len(answers)
            eventually(lambda: len(answers) > seen + 20)
            stop.set()
            for one in asking:
                one.result()
        texts = [f'{{\n    "predictions": [{value}\n    ]\n}}' for value in (2.5, 100.5)]
        assert set(answers) == {(200, text) for text in texts}
        (status,) = server.get("m/versions/3").json()["model_version_status"]
        assert "cannot be loaded" in status["status"]["error_message"]
        # Killed and started again, it serves what stands there.
        server.stop(signal.SIGKILL)
    shutil.rmtree(model_dir / "3")
    with running(model_dir) as server:
        assert server.post(BODY).json() == {"predictions": [100.5]}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_finishes_what_it_has_begun(model_dir, number):
    slow = json.dumps({"signature_name": "slow", "inputs": [40_000]})
    with running(model_dir) as server:
        start = time.monotonic()
        assert server.post(slow).status_code == 200
        assert time.monotonic() - start < 20, "too slow a machine for this test"
        with concurrent.futures.ThreadPoolExecutor() as pool:
            answers = [pool.submit(server.post, slow) for _ in range(2)]
            time.sleep(0.3)
            assert server.stop(number) == (130 if number == signal.SIGINT else 0)
            assert [answer.result().status_code for answer in answers] == [200, 200]


@pytest.mark.slow
def test_a_request_that_takes_too_long_is_given_up_and_a_full_queue_refuses(model_dir):
    slow = json.dumps({"signature_name": "slow", "inputs": [10_000_000]})
    with running(model_dir, "--timeout", "1", "--queue-size", "2") as server:
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            answers = [pool.submit(server.post, slow) for _ in range(12)]
            statuses = {answer.result().status_code for answer in answers}
        assert statuses == {503, 504}
        assert server.get().status_code == 200
