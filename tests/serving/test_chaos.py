"""Nothing that a client sends takes the server down."""

import contextlib
import json
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kerasbert.serving.settings import Settings

from .conftest import application, eventually

pytestmark = pytest.mark.process

BODY = '{"instances": [1.0]}'
PREDICT = "/v1/models/m:predict"


def connect(server) -> socket.socket:
    host, _, port = server.rest.removeprefix("http://").partition("/")[0].partition(":")
    return socket.create_connection((host, int(port)), 60)


def raw(server, *parts: bytes) -> bytes:
    """Sends bytes and returns all that comes back."""
    with connect(server) as connection:
        for part in parts:
            connection.sendall(part)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while chunk := connection.recv(65536):
                answer += chunk
    return answer


def post(length: int, *headers: str) -> bytes:
    lines = [
        f"POST {PREDICT} HTTP/1.1",
        "Host: x",
        f"Content-Length: {length}",
        "Connection: close",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe\x00",
        b'{"instances": ["\x00"]}',
        b'{"instances": [NaN',
        b'{"instances": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b'{"inputs": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}",
        b'{"signature_name": "matrix", "inputs": ' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"signature_name": "matrix", "instances": [' + b"[" * 900 + b"]" * 900 + b"]}",
        b'{"signature_name": "texts", "instances": [' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"]}",
        b'{"instances": [' + b"9" * 5000 + b"]}",
        b'{"instances": [1e999999999]' ,
        b'{"signature_name": "\\ud800", "instances": [1]}',
        b'{"signature_name": "two", "instances": [{"\\ud800": 1}]}',
        b'{"examples": [{"\\ud800": 1}]}',
        b'{"signature_name": "\xff", "instances": [1], "examples": [{}]}',
        b'{"signature_name": "two", "instances": [{"\xff": 1}]}',
    ],
    ids=range(15),
)  # fmt: skip
@pytest.mark.parametrize("method", ["predict", "classify"])
def test_odd_bodies_are_the_clients_mistake(app, body, method):
    response = app.post(f"/v1/models/m:{method}", content=body)
    assert response.status_code == 400
    assert response.json()["error"]


def test_too_much_is_refused_in_a_sentence(app):
    texts = {"signature_name": "texts", "instances": ["x" * 1001]}
    assert "this server accepts 1000" in app.post(PREDICT, json=texts).json()["error"]
    assert "may have 100" in app.post(PREDICT, json={"inputs": [1.0] * 101}).json()["error"]
    response = app.post(PREDICT, content=b" " * 1_000_001)
    assert (response.status_code, response.json()) == (
        413,
        {"error": "the body is too large; this server accepts 1000000 bytes"},
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abxz") | st.text(), inner),
    max_leaves=12,
)
names = st.sampled_from(
    ["serving_default", "two", "texts", "numbers", "matrix", "scalar", "half", "classify"]
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["predict", "classify", "regress"]),
    key=st.sampled_from(["instances", "inputs", "examples"]),
    name=names,
    value=json_values,
    context=st.none() | json_values,
)
def test_any_json_is_answered_or_refused(app, method, key, name, value, context):
    document = {"signature_name": name, key: value} | ({} if context is None else {"context": context})
    response = app.post(f"/v1/models/m:{method}", content=json.dumps(document).encode())
    assert response.status_code in (200, 400), response.text
    assert response.status_code == 200 or set(response.json()) == {"error"}


def test_a_whole_queue_of_large_bodies_is_bounded(saved):
    with application(saved.parent, Settings(max_bodies=10)) as app:
        assert app.post(PREDICT, content=BODY).status_code == 200  # small ones always pass
        response = app.post(PREDICT, content=BODY + " " * 70_000)
        assert (response.status_code, "too many" in response.json()["error"]) == (503, True)


def test_half_requests_and_nonsense_do_no_harm(server):
    for part in (
        b"",
        b"\0" * 1000,
        b"GET",
        b"POST / HTTP/1.1\r\n\r\n",
        post(100) + b"{",
        b"\x16\x03\x01" * 50,
    ):
        with connect(server) as connection:
            connection.sendall(part)
    assert raw(server, b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400")
    assert raw(server, b"GET /v1/models/m HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 100_000).startswith(
        b"HTTP/1.1 400"
    )
    assert raw(server, post(-1)).startswith(b"HTTP/1.1 400")
    assert server.post(BODY).status_code == 200


def test_a_body_of_100_megabytes_is_refused_before_it_is_read(server):
    before = server.memory()
    assert raw(server, post(100_000_000)).startswith(b"HTTP/1.1 413")
    chunked = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    answer = b""
    with connect(server) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(chunked.encode())
        for _ in range(17):
            connection.sendall(chunk)
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413")
    assert server.memory() - before < 200_000_000
    assert server.post(BODY).status_code == 200


@pytest.mark.slow
def test_clients_that_say_nothing_are_sent_away(server):
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(connect(server)) for _ in range(900)]
        halves = silent[::2]
        for connection in halves:
            connection.sendall(b"POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\n")
        assert server.post(BODY).status_code == 200
        slow = stack.enter_context(connect(server))
        slow.sendall(post(1000) + b"{")
        for connection in silent:
            assert connection.recv(100) == b""
        assert slow.recv(100).startswith(b"HTTP/1.1 408")
    assert server.post(BODY).status_code == 200


@pytest.mark.slow
def test_ten_thousand_connections_do_no_harm(server):
    before = server.memory()
    with contextlib.ExitStack() as stack:
        for _ in range(10_000):
            with contextlib.suppress(OSError):  # this side may run out of descriptors first
                connection = stack.enter_context(connect(server))
                connection.sendall(b"GET /v1/models/m HTTP/1.1\r\nHost: x\r\n\r\n")
        assert server.process.poll() is None
    eventually(lambda: server.post(BODY).status_code == 200)
    assert server.memory() - before < 300_000_000
