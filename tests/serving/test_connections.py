"""Clients that are slow, rude or gone do not matter to the others; those who behave are never cut off."""

import contextlib
import http.client
import json
import signal
import socket
import threading
import time

import pytest

from kerasbert.serving.connections import Connections

from .conftest import running
from .test_chaos import PREDICT, connect, post, raw

pytestmark = pytest.mark.process

BODY = b'{"instances": [1.0]}'


class Fake:
    """A connection without a network."""

    closed = False

    def __init__(self) -> None:
        self.transport = self

    def abort(self) -> None:
        self.closed = True


def test_the_one_that_has_waited_longest_goes_and_never_one_in_work():
    connections = Connections(4)
    working, sending, idle, fresh = (Fake() for _ in range(4))
    for one in (working, sending, idle, fresh):
        connections.add(one)
    connections.move(working, None)
    connections.move(sending, connections.sending)
    connections.move(idle, connections.idle)
    for gone in (fresh, idle, sending):
        other = Fake()
        connections.add(other)
        connections.move(other, None)
        assert (working.closed, gone.closed, other.closed) == (False, True, False)


def test_with_all_in_work_the_newest_is_turned_away():
    connections = Connections(1)
    working, late = Fake(), Fake()
    connections.add(working)
    connections.move(working, None)
    connections.add(late)
    assert (working.closed, late.closed) == (False, True)
    connections.remove(working)
    connections.add(Fake())


def test_idle_connections_take_nobodys_place(server):
    host, _, port = server.rest.removeprefix("http://").partition("/")[0].partition(":")
    client = http.client.HTTPConnection(host, int(port), timeout=60)
    client.request("GET", "/v1/models/m")
    assert client.getresponse().read()
    with contextlib.ExitStack() as stack:
        for index in range(1100):
            idle = stack.enter_context(connect(server))
            if index % 2:
                idle.sendall(post(100) + b"{")
        client.request("POST", PREDICT, BODY)  # the connection from before
        assert client.getresponse().read() == b'{\n    "predictions": [2.5\n    ]\n}'
        assert server.get().status_code == 200
        assert server.post(BODY).status_code == 200
    client.close()


def head(*lines: str) -> bytes:
    return "\r\n".join([f"POST {PREDICT} HTTP/1.1", "Host: x", *lines, "", ""]).encode()


CHUNKED = "Transfer-Encoding: chunked"


@pytest.mark.parametrize(
    "request_",
    [
        head(f"Content-Length: {len(BODY)}", CHUNKED) + b"0\r\n\r\n",
        head(CHUNKED, f"Content-Length: {len(BODY)}") + BODY,
        head("Content-Length: 5", "Content-Length: 20") + BODY,
        head("Content-Length: -5"),
        head("Content-Length: +20") + BODY,
        head("Content-Length: 99999999999999999999999") + BODY,
        head("Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
        head(CHUNKED) + b"fffffffffffffffffffffffff\r\n",
        head(CHUNKED) + b"-1\r\n",
        head(CHUNKED) + b"0x14\r\n" + BODY + b"\r\n0\r\n\r\n",
        head(CHUNKED) + b"1\r\n \r\n" * 6000,
        b"POST " + PREDICT.encode() + b" HTTP/1.1\r\n\r\n",
        b"GET /v1/models/m\r\n\r\n",
    ],
    ids=range(13),
)
def test_what_could_be_read_in_two_ways_is_refused_and_the_connection_closed(server, request_):
    answer = raw(server, request_)
    assert answer.split(b" ")[1] in (b"400", b"413", b"501"), answer[:100]
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "request_",
    [
        b"GET http://x:1/v1/models/m HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /v1/models/m HTTP/1.0\r\n\r\n",
        head(CHUNKED, "Connection: close") + b"14;a=b\r\n" + BODY + b"\r\n0\r\nTrailer: x\r\n\r\n",
        head(CHUNKED, "Connection: close") + b"".join(b"1\r\n%c\r\n" % one for one in BODY) + b"0\r\n\r\n",
        post(len(BODY), "Expect: 100-continue") + BODY,
    ],
    ids=range(5),
)
def test_what_is_odd_but_clear_is_answered(server, request_):
    answer = raw(server, request_)
    if b"100-continue" in request_:
        assert answer.startswith(b"HTTP/1.1 100 ")
        answer = answer.partition(b"\r\n\r\n")[2]
    assert answer.split(b" ")[1] == b"200", answer


def test_head_has_no_body_and_pipelined_requests_are_answered_in_order(server):
    answer = raw(server, b"HEAD /v1/models/m HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")  # as TensorFlow Serving, which knows GET and POST
    assert answer.endswith(b"\r\n\r\n")
    status = b"GET /v1/models/m HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = raw(server, status * 50 + post(len(BODY)) + BODY)
    assert answer.count(b"HTTP/1.1 200 OK") == 51
    assert answer.rindex(b"predictions") > answer.rindex(b"model_version_status")


def test_a_client_that_has_said_all_is_answered(server):
    with connect(server) as connection:
        connection.sendall(post(len(BODY)).replace(b"Connection: close\r\n", b"") + BODY)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    assert answer.endswith(b'{\n    "predictions": [2.5\n    ]\n}')


def test_a_refusal_reaches_a_client_that_goes_on_sending(server):
    with connect(server) as connection:
        connection.sendall(head(f"Content-Length: {17 * 2**20}", "Connection: close"))
        for _ in range(20):
            connection.sendall(b" " * 100_000)
            time.sleep(0.005)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"too large" in answer


@pytest.mark.slow
def test_told_to_stop_it_lets_those_go_who_kept_their_connections(model_dir):
    slow = json.dumps({"signature_name": "slow", "inputs": [20_000]}).encode()
    seen: list[tuple[int, str | None]] = []

    def keep_asking(address: str, body: bytes) -> None:
        client = http.client.HTTPConnection(address, timeout=60)
        while True:
            client.request("POST", PREDICT, body)
            answer = client.getresponse()
            answer.read()
            seen.append((answer.status, answer.getheader("Connection")))
            if answer.will_close:
                return

    with running(model_dir, "--rest-api-enable-cors-support") as server:
        address = server.rest.removeprefix("http://").partition("/")[0]
        idle = http.client.HTTPConnection(address, timeout=60)
        idle.request("GET", "/v1/models/m", headers={"Origin": "https://example.com"})
        answer = idle.getresponse()
        assert answer.getheader("Access-Control-Allow-Origin") == "*"
        answer.read()
        fresh = connect(server)
        threads = [threading.Thread(target=keep_asking, args=(address, body)) for body in (slow, BODY, BODY)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)  # it has stopped to listen
        with pytest.raises(ConnectionRefusedError):
            connect(server)
        idle.request("POST", PREDICT, BODY)
        answer = idle.getresponse()
        assert (answer.status, answer.getheader("Connection")) == (200, "close")
        answer.read()
        for thread in threads:
            thread.join(60)
        assert fresh.recv(10) == b""
        fresh.close()
        assert server.process.wait(60) == 0
    assert {status for status, _ in seen} == {200}
    assert [close for _, close in seen].count("close") == 3
