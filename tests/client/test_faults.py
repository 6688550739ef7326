"""Servers that are busy, slow, broken or no such servers at all."""

import contextlib
import gzip
import itertools
import json
import re
import threading
import time

import grpc
import numpy as np
import pytest
from starlette.responses import Response, StreamingResponse
from tensorflow_serving.apis import get_model_metadata_pb2

from kerasbert.client import Client, rest_transport
from kerasbert.client.address import Address
from kerasbert.client.failure import Failure
from kerasbert.client.rest_transport import RestTransport
from kerasbert.errors import AddressError, KerasBertError, ServerError

REST = pytest.mark.parametrize("interface", ["rest"], indirect=True)
WRONG = r"does not answer like TensorFlow|outputs that do not match its signature"
TEXTS = [f"手机{number}" for number in range(40)]
OUTPUTS = ("label", "label_id", "score", "probabilities")


def busy(interface: str, code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE, message: str = "queue is full"):
    if interface == "grpc":
        return (code, message)
    return Response(json.dumps({"error": message}), {"UNAVAILABLE": 503}.get(code.name, 429))


def http(body: bytes, length: int | None = None) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body) if length is None else length}\r\n\r\n"
    return head.encode() + body


def refusal(status: str, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "Content-Length: 4", "", "<h1>"]).encode()


def one_line(caught: pytest.ExceptionInfo, url: str) -> str:
    message = str(caught.value)
    assert message.startswith(f"{url}: ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED])
def test_a_busy_server_is_asked_again_and_the_order_kept(served, interface, trained, code):
    url, model = served
    model.faults = [busy(interface, code)] * 5
    with Client(url, batch_size=7) as client:
        answer = client.predict(TEXTS)
    expected = trained.classifier.predict(TEXTS)
    np.testing.assert_allclose(answer["probabilities"], expected["probabilities"], atol=1e-5, rtol=0)
    assert sorted(model.sizes) == [5, 7, 7, 7, 7, 7]
    assert model.faults == []


def test_a_server_that_stays_busy_is_given_up_at_the_deadline(served, interface):
    url, model = served
    model.faults = [busy(interface)] * 1000
    with Client(url, deadline=1, batch_size=7) as client:
        start = time.monotonic()
        with pytest.raises(ServerError, match=r"queue is full \(\d+ tries in \d\.\d s\)\.$") as caught:
            client.predict(TEXTS)
    assert time.monotonic() - start < 30
    one_line(caught, url)


def test_a_refusal_is_final_and_ends_the_other_requests(served, interface):
    url, model = served
    refusal = busy(interface, grpc.StatusCode.INVALID_ARGUMENT, "no such input")
    if interface == "rest":
        refusal.status_code = 400
    model.faults = [busy(interface), refusal, *[busy(interface)] * 1000]
    with Client(url, deadline=300, batch_size=1) as client:
        with pytest.raises(AddressError, match="refuses the request: no such input") as caught:
            client.predict(TEXTS)
        one_line(caught, url)
        model.faults = []
        assert len(client.predict(TEXTS)["label"]) == 40, "the client is whole after a failure"


def test_several_requests_are_under_way_at_once(served):
    url, model = served
    together = threading.Barrier(3, timeout=60)

    def wait(answer):
        together.wait()
        return answer

    model.faults = [wait] * 3
    with Client(url, batch_size=1, concurrency=3) as client:
        assert len(client.predict(TEXTS[:3])["label"]) == 3


def test_no_more_requests_than_allowed_are_under_way(served):
    url, model = served
    with Client(url, batch_size=1, concurrency=2) as client:
        client.predict(TEXTS)
    assert model.most_under_way <= 2


def test_large_texts_travel_in_requests_of_their_own(served):
    url, model = served
    with Client(url) as client:
        client.predict(["好" * 100_000] * 3 + ["小"] * 5)
    assert sorted(model.sizes) == [1, 1, 6]


def test_one_client_serves_several_threads(served, trained):
    expected = trained.classifier.predict(TEXTS)["probabilities"]
    answers = {}
    with Client(served[0], batch_size=3) as client:

        def ask(place):
            answers[place] = client.predict(TEXTS[place:])["probabilities"]

        threads = [threading.Thread(target=ask, args=(place,)) for place in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(answers) == 8
    for place, answer in answers.items():
        np.testing.assert_allclose(answer, expected[place:], atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_answer_with_too_few_rows_is_no_answer(served, interface, name):
    url, model = served

    def cut(answer):
        outputs = answer["outputs"] if interface == "rest" else answer
        outputs[name] = outputs[name][:-1]
        return answer

    model.faults = [cut]
    with (
        Client(url) as client,
        pytest.raises(ServerError, match=rf"outputs that do not match .*\({name}: .* \[40.*\[39") as caught,
    ):
        client.predict(TEXTS)
    one_line(caught, url)


@REST
@pytest.mark.parametrize(
    "wrong",
    [
        None,
        {},
        [],
        {"outputs": None},
        {"outputs": {}},
        {"outputs": {"label": 1}},
        {"predictions": []},
        "x",
        1,
    ],
)
def test_json_of_another_kind_is_no_answer(served, wrong):
    url, model = served
    model.faults = [Response(json.dumps(wrong))]
    with Client(url) as client, pytest.raises(ServerError, match=WRONG) as caught:
        client.predict(TEXTS)
    one_line(caught, url)


@REST
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *itertools.product(OUTPUTS, [None, [1], 2**70]),
        *itertools.product(OUTPUTS[1:], ["x", {"b64": "eA=="}]),
        ("label", 1.5), ("label", {"b64": 1}), ("label_id", 1.5), ("probabilities", 1.5),
    ],
)  # fmt: skip
def test_values_of_another_type_are_no_answer(served, name, value):
    url, model = served

    def spoil(answer):
        answer["outputs"][name][1] = value
        return answer

    model.faults = [spoil]
    with Client(url) as client, pytest.raises(ServerError, match=WRONG):
        client.predict(TEXTS)


def test_answers_above_grpcs_default_of_4_mib_arrive(served_handmade):
    long = "长" * 2_000_000  # 6 MB each way, in `joined` and `joined_bytes`
    with Client(served_handmade[0]) as client:
        answer = client.predict([long], ["二"])
    assert answer["joined"][0].decode() == answer["joined_bytes"][0].decode() == f"{long}|二"


@pytest.mark.parametrize("form", ["http://127.0.0.1:{}/v1/models/m", "grpc://127.0.0.1:{}/m"])
def test_a_server_that_never_answers_is_given_up(raw_server, form):
    url = form.format(raw_server(lambda connection: connection.recv(1 << 20) and time.sleep(20)))
    start = time.monotonic()
    with (
        pytest.raises(ServerError, match=r"did not answer within 0\.5 s") as caught,
        Client(url, timeout=0.5, deadline=1) as client,
    ):
        client.predict(["a"])
    assert time.monotonic() - start < 15
    one_line(caught, url)


def test_a_server_that_stops_answering_is_given_up_at_the_deadline(served):
    url, model = served
    with Client(url, timeout=0.3, deadline=1) as client:
        assert client.labels
        model.faults = [lambda answer: time.sleep(2) or answer] * 100
        with pytest.raises(ServerError, match=r"did not answer within .* s \(\d+ tries in"):
            client.predict(["a"])
    model.faults = []


def test_an_answer_that_trickles_counts_as_none(raw_server):
    def trickle(connection):
        connection.recv(1 << 20)
        connection.sendall(http(b"", 10**6))
        while True:
            connection.sendall(b" ")
            time.sleep(0.05)

    url = f"http://127.0.0.1:{raw_server(trickle)}/v1/models/m"
    refused = pytest.raises(ServerError, match=r"did not answer within 0\.3 s")
    with refused, Client(url, timeout=0.3) as client:
        client.predict(["a"])


@pytest.mark.parametrize("before", [b"", http(b"[]")])  # on a new connection, and on one in use
def test_headers_that_trickle_count_as_no_answer(raw_server, before):
    def trickle(connection):
        if before:
            connection.recv(1 << 20)
            connection.sendall(before)
        connection.recv(1 << 20)
        connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        for _ in range(100):
            connection.sendall(b"a")
            time.sleep(0.05)

    transport = RestTransport(Address.parse(f"http://127.0.0.1:{raw_server(trickle)}/v1/models/m"), {})
    with contextlib.closing(transport):
        if before:
            with pytest.raises(Failure, match="does not answer like"):
                transport.signatures(5.0)
        start = time.monotonic()
        with pytest.raises(Failure, match=r"did not answer within 0\.3 s"):
            transport.signatures(0.3)
    assert time.monotonic() - start < 3


def test_an_answer_is_not_unpacked_without_end(raw_server, monkeypatch):
    monkeypatch.setattr(rest_transport, "_MOST_BYTES", 4 << 20)
    packed = gzip.compress(b" " * (64 << 20), 1)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"

    def answer(connection):
        connection.recv(1 << 20)
        connection.sendall(head.encode() + packed)

    url = f"http://127.0.0.1:{raw_server(answer)}/v1/models/m"
    with pytest.raises(ServerError, match=r"more than 4 MiB at once\. Lower batch_size") as caught:
        Client(url).predict(["a"])
    one_line(caught, url)


@REST
def test_a_connection_closed_in_the_middle_is_tried_again(served):
    url, model = served

    async def cut():
        yield b'{"outputs"'
        raise ConnectionError

    model.faults = [StreamingResponse(cut(), headers={"Content-Length": "1000"}) for _ in range(3)]
    with Client(url, batch_size=20) as client:
        assert len(client.predict(TEXTS)["label"]) == 40
    assert model.faults == []


def test_a_connection_closed_before_any_answer_is_told(raw_server):
    url = f"http://127.0.0.1:{raw_server(lambda connection: connection.recv(1 << 20))}/v1/models/m"
    with pytest.raises(ServerError, match="broke the connection off") as caught, Client(url) as client:
        client.predict(["a"])
    one_line(caught, url)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (http(b"<html>hello</html>"), "does not answer like TensorFlow Serving"),
        (http(b""), "does not answer like TensorFlow Serving"),
        (http(b"[" * 100_000), "does not answer like TensorFlow Serving"),
        (http(b'{"metadata": {"signature_def": 1}}'), "does not answer like TensorFlow Serving"),
        (http(b"\xff\xfe"), "does not answer like TensorFlow Serving"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "does not answer like TensorFlow Serving"),
        (refusal("301 M", "Location: https://h/x"), "redirects to https://h/x. Name that address"),
        (refusal("302 Found"), "refuses the request: 302 Found"),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", "refuses the request: 304 Not Modified"),
        (refusal("401 Unauthorized"), "401 Unauthorized. Set KERASBERT_API_KEY"),
        (refusal("403 Forbidden"), "403 Forbidden. Set KERASBERT_API_KEY"),
        (refusal("404 Not Found"), "404 Not Found. Name a model and version"),
        (refusal("500 Oh"), "refuses the request: 500 Oh"),
    ],
)
def test_what_is_no_model_server_is_told(raw_server, answer, message):
    def handle(connection):
        connection.recv(1 << 20)
        connection.sendall(answer)

    url = f"http://127.0.0.1:{raw_server(handle)}/v1/models/m"
    with pytest.raises(KerasBertError, match=re.escape(message)) as caught, Client(url) as client:
        client.predict(["a"])
    one_line(caught, url)
    assert caught.value.exit_code == (2 if b" 30" in answer or b" 40" in answer else 1)


def test_a_label_that_is_not_utf_8_is_told(served):
    url, model = served

    def spoil(answer):
        if "outputs" in answer:  # over REST
            return {"outputs": {**answer["outputs"], "label": [{"b64": "/w=="}] * len(TEXTS)}}
        return {**answer, "label": np.full(len(TEXTS), b"\xff", object)}

    model.faults = [spoil]
    with Client(url) as client, pytest.raises(ServerError, match="does not answer like") as caught:
        client.predict(TEXTS)
    one_line(caught, url)


def test_more_labels_than_probabilities_are_told(served, monkeypatch):
    url, model = served
    answer = (np.array([[b"a", b"b", b"c"]], object), np.zeros([1, 3], np.float32))
    monkeypatch.setattr(model, "classify", lambda examples: answer)
    message = r"do not match its signature \(3 labels, probabilities \[-1, 2\]\)"
    with Client(url) as client, pytest.raises(ServerError, match=message) as caught:
        client.labels  # noqa: B018
    one_line(caught, url)


@pytest.mark.parametrize("interface", ["grpc"], indirect=True)
def test_metadata_that_is_no_map_of_signatures_is_told(served, monkeypatch):
    monkeypatch.setattr(
        get_model_metadata_pb2.SignatureDefMap, "SerializeToString", lambda *args, **kwargs: b"\xff"
    )
    with Client(served[0]) as client, pytest.raises(ServerError, match="does not answer like") as caught:
        client.predict(TEXTS)
    one_line(caught, served[0])


def test_a_server_that_restarts_is_waited_for(serve, handmade, served_model_class, interface):
    model = served_model_class(handmade, "m")
    with contextlib.ExitStack() as stack:
        with serve(interface, model) as url:
            client = stack.enter_context(Client(url))
            before = client.predict(["a"], ["b"])["score"]
        answers = []
        asking = threading.Thread(target=lambda: answers.append(client.predict(["a"], ["b"])["score"]))
        asking.start()
        time.sleep(0.5)
        assert asking.is_alive()
        port = int(url.split("/")[2].rpartition(":")[2])
        stack.enter_context(serve(interface, model, port))
        asking.join(60)
        assert answers == [before]
