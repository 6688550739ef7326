"""nginx itself with the file that `export` writes, in front of a stand-in for TensorFlow Serving."""

import contextlib
import gzip
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kerasbert.deployment import Memory, write_server_files

SECRET = "0123456789abcdef" * 4  # of the fixture `secrets`
KEY = f"Bearer {SECRET}"
PREDICT = "/v1/models/news_topic:predict"
BODY = json.dumps({"instances": ["很好"]}).encode()


@pytest.fixture(scope="module")
def upstream():
    """Answers everything, and keeps what it was asked."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.server.asked.append((self.command, self.path, dict(self.headers), body))
            answer = b'{"predictions": []}'
            self.send_response(400 if b"malformed" in body else 200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_DELETE = answer  # noqa: N815

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def started(upstream, run_nginx, tmp_path_factory):
    """Starts nginx with changes to its file; gives the port and the log."""

    def start(behind: int | None = None, **changes: str):
        directory = tmp_path_factory.mktemp("model")
        write_server_files(directory, "news_topic", Memory(1, 2))
        return run_nginx(directory / "serving" / "nginx.conf", behind or upstream.server_port, **changes)

    return start


@pytest.fixture(scope="module")
def nginx(started):
    with started() as running:
        yield running


@pytest.fixture
def client(nginx, secrets, upstream):
    upstream.asked.clear()
    context = ssl.create_default_context(cafile=str(secrets / "tls.crt"))
    with httpx2.Client(base_url=f"https://127.0.0.1:{nginx[0]}", verify=context) as opened:
        yield opened


def key(value: str = KEY) -> dict[str, str]:
    return {"Authorization": value}


def test_the_right_key_passes_and_stays_here(client, upstream, nginx):
    answer = client.post(PREDICT, content=BODY, headers=key())
    assert (answer.status_code, answer.json()) == (200, {"predictions": []})
    ((method, _, headers, body),) = upstream.asked
    assert (method, body) == ("POST", BODY)
    assert "Authorization" not in headers
    deadline = time.monotonic() + 30  # nginx logs after it has answered
    while not (log := nginx[1].read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert " shop [" in log
    assert SECRET not in log


@pytest.mark.parametrize(
    "headers", [{}, key("Bearer wrong"), key(SECRET), key(""), key("Bearer other2"), key("default")]
)
@pytest.mark.parametrize("path", [PREDICT, "/v1/models/news_topic", "/v1/models/news_topic/metadata"])
def test_without_a_key_nothing_reaches_the_model(client, upstream, headers, path):
    answer = client.request("POST" if path == PREDICT else "GET", path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "Authorization" in answer.json()["error"]
    assert upstream.asked == []


@pytest.mark.parametrize(
    ("asked", "passed"),
    [
        ("", "/labels/stable"),
        ("/labels/canary", "/labels/canary"),
        ("/versions/3", "/versions/3"),
    ],
)
@pytest.mark.parametrize("method", ["predict", "classify"])
def test_who_names_no_version_gets_the_stable_one(client, upstream, asked, passed, method):
    assert (
        client.post(f"/v1/models/news_topic{asked}:{method}", content=BODY, headers=key()).status_code == 200
    )
    assert [path for _, path, _, _ in upstream.asked] == [f"/v1/models/news_topic{passed}:{method}"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models/news_topic",
        "/v1/models/news_topic/versions/2",
        "/v1/models/news_topic/labels/stable/metadata",
    ],
)
def test_status_and_metadata_pass(client, upstream, path):
    assert client.get(path, headers=key()).status_code == 200
    assert [asked[1] for asked in upstream.asked] == [path]


def test_the_server_sees_the_path_that_was_checked(nginx, secrets, upstream):
    upstream.asked.clear()
    context = ssl.create_default_context(cafile=str(secrets / "tls.crt"))
    connection = http.client.HTTPSConnection("127.0.0.1", nginx[0], context=context, timeout=30)
    with contextlib.closing(connection):
        crooked = "/monitoring/../v1/%6dodels//news_topic?x=/monitoring/prometheus/metrics"
        connection.request("GET", crooked, headers=key())
        assert connection.getresponse().status == 200
    assert [asked[1] for asked in upstream.asked] == ["/v1/models/news_topic"]


@pytest.mark.parametrize(
    "path",
    [
        "/monitoring/prometheus/metrics",
        "/v1/models/news_topic/../../../monitoring/prometheus/metrics",
        "/v1/models/another:predict",
        "/v1/models/newsxtopic:predict",
        "/v1/models/news_topic:regress",
        "/v1/models",
        "/",
        "/error",
        "/tensorflow.serving.PredictionService/Predict",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nothing_else_is_public(client, upstream, path, method):
    headers = {**key(), "Content-Type": "application/grpc"}
    answer = client.request(method, path, headers=headers)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/json"
    assert "error" in answer.json()
    assert upstream.asked == []


def test_other_methods_are_refused(client, upstream):
    assert client.get(PREDICT, headers=key()).status_code == 405
    assert client.delete("/v1/models/news_topic", headers=key()).status_code == 405
    assert upstream.asked == []


def test_the_answers_of_the_server_pass_unchanged(client):
    answer = client.post(PREDICT, content=b"malformed", headers=key())
    assert (answer.status_code, answer.json()) == (400, {"predictions": []})


def test_a_body_over_the_limit_is_refused(client, upstream, nginx, secrets):
    assert client.post(PREDICT, content=b"x" * 2**20, headers=key()).status_code == 200
    upstream.asked.clear()
    context = ssl.create_default_context(cafile=str(secrets / "tls.crt"))
    connection = http.client.HTTPSConnection("127.0.0.1", nginx[0], context=context, timeout=30)
    with contextlib.closing(connection):
        connection.putrequest("POST", PREDICT)
        connection.putheader("Authorization", KEY)
        connection.putheader("Content-Length", str(2**20 + 1))
        connection.endheaders()  # no byte of the body is waited for
        answer = connection.getresponse()
        assert answer.status == 413
        assert "larger than" in json.loads(answer.read())["error"]
    assert upstream.asked == []


def test_without_tls_nothing_is_answered(nginx, upstream):
    upstream.asked.clear()
    connection = http.client.HTTPConnection("127.0.0.1", nginx[0], timeout=30)
    with contextlib.closing(connection):
        connection.request("POST", PREDICT, BODY, {"Authorization": KEY})
        answer = connection.getresponse()
        assert answer.status == 400
        assert json.loads(answer.read()) == {"error": "Send the request by https."}
    assert upstream.asked == []


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (f"GET /{'x' * 20_000} HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (f"GET / HTTP/1.1\r\nHost: x\r\nX: {'x' * 20_000}\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        (f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: odd\r\n\r\n", 501),
        (f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (
            f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
            "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        ("GET / HTTP/3.1\r\nHost: x\r\n\r\n", 505),
        ("TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", 405),
    ],
    ids=range(9),
)
def test_what_nginx_refuses_it_refuses_as_json(nginx, secrets, upstream, request_, status):
    upstream.asked.clear()
    context = ssl.create_default_context(cafile=str(secrets / "tls.crt"))
    with (
        socket.create_connection(("127.0.0.1", nginx[0]), 30) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        connection.sendall(request_.encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        body = answer.read()
    assert answer.status == status
    assert answer.getheader("Content-Type") == "application/json"
    assert json.loads(body)["error"]
    assert upstream.asked == []


def test_a_client_that_asks_too_often_is_told_so(started, secrets, upstream):
    context = ssl.create_default_context(cafile=str(secrets / "tls.crt"))
    slow = {"rate=100r/s": "rate=1r/m", "burst=200": "burst=3"}
    with (
        started(**slow) as (port, _),
        httpx2.Client(base_url=f"https://127.0.0.1:{port}", verify=context) as client,
    ):
        statuses = [client.post(PREDICT, content=BODY, headers=key()).status_code for _ in range(6)]
        assert statuses == [200] * 4 + [429] * 2
        # Another client is not held up.
        assert client.post(PREDICT, content=BODY, headers=key("Bearer other")).status_code == 200


def test_a_server_that_is_away_is_told_as_json(started, secrets):
    context = ssl.create_default_context(cafile=str(secrets / "tls.crt"))
    with (
        started(behind=1) as (port, _),
        httpx2.Client(base_url=f"https://127.0.0.1:{port}", verify=context) as client,
    ):
        answer = client.post(PREDICT, content=BODY, headers=key())
    assert answer.status_code == 502
    assert "cannot be reached" in answer.json()["error"]


def post(client, body: bytes | str, path: str = PREDICT, **headers: str):
    return client.post(path, content=body, headers=key() | headers)


def asks_for(signature: str) -> str:
    return json.dumps({"signature_name": signature, "instances": ["很好"]})


@pytest.mark.parametrize("signature", ["serving_default", "classify", "embed"])
@pytest.mark.parametrize("path", [PREDICT, PREDICT.replace(":predict", "/labels/canary:classify")])
def test_the_signatures_for_clients_pass(client, upstream, signature, path):
    body = asks_for(signature)
    for sent in (body, body.replace(": ", ":"), body.replace(": ", " \t\r\n:\n ")):
        assert post(client, sent, path).status_code == 200
        assert upstream.asked[-1][3] == sent.encode()


@pytest.mark.parametrize(
    "body",
    [
        asks_for("explain"),
        asks_for("token_ids"),
        asks_for("anything"),
        asks_for("serving_default2"),
        asks_for(""),
        '{"instances": ["a"], "signature_name"\n\t:\r\n"explain"}',
        '{"signature_name": "serving_default", "signature_name": "explain", "instances": ["a"]}',
        '{"signature_name": "explain", "signature_name": "serving_default", "instances": ["a"]}',
        r'{"signature_name": "\u0065xplain", "instances": ["a"]}',
        r'{"signature_name": "token\u005Fids", "instances": ["a"]}',
        r'{"signature\u005fname": "explain", "instances": ["a"]}',
        r'{"\u0073ignature_name": "explain", "instances": ["a"]}',
        r'{"a": "\\\\\u0061", "instances": ["a"]}',
        '{"signature_name": null, "instances": ["a"]}',
        '{"instances": ["' + "长" * 300_000 + '"], "signature_name": "explain"}',
        '{"instances": ["' + "\\" * 900_000 + '"], "signature_name": "explain"}',
        "",
    ],
)
@pytest.mark.parametrize("chunked", [False, True])
def test_other_signatures_are_refused(client, upstream, body, chunked):
    data = body.encode()
    answer = post(client, iter([data[:20], data[20:]]) if chunked else data)
    assert answer.status_code == 403
    assert answer.headers["Content-Type"] == "application/json"
    assert "serving_default, classify and embed" in answer.json()["error"]
    assert upstream.asked == []


@pytest.mark.parametrize(
    "text",
    [
        '"signature_name": "explain"',
        "\\u0065xplain",
        "\\",
        'explain"',
        "signature_name",
        "\u0001\u007fé<",
        "\\\\u0061",
    ],
)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_what_a_text_says_is_not_what_it_asks_for(client, upstream, text, ascii_only):
    body = json.dumps({"instances": [text, {"text": text}]}, ensure_ascii=ascii_only)
    assert post(client, body).status_code == 200
    assert post(client, json.dumps({"signature_name": "classify", "instances": [text]})).status_code == 200
    assert upstream.asked[0][3] == body.encode()


def test_a_compressed_body_is_refused(client, upstream):
    packed = gzip.compress(asks_for("explain").encode())
    answer = post(client, packed, **{"Content-Encoding": "gzip"})
    assert (answer.status_code, upstream.asked) == (415, [])
    assert "without compression" in answer.json()["error"]


def test_a_second_header_does_not_hide_that_a_body_is_compressed(client, upstream):
    packed = gzip.compress(asks_for("explain").encode())
    headers = [*key().items(), ("Content-Encoding", "identity"), ("Content-Encoding", "gzip")]
    client.post(PREDICT, content=packed, headers=headers)
    assert all("Content-Encoding" not in headers for _, _, headers, _ in upstream.asked)


@given(text=st.text(), name=st.sampled_from(["explain", "serving_default", None]), data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_request_passes_by_its_signature_however_it_is_written(client, upstream, text, name, data):
    upstream.asked.clear()
    request = {"instances": [text]} | ({} if name is None else {"signature_name": name})
    body = "".join(
        f"\\u{ord(character):04x}" if character.isascii() and character.isalpha() and data.draw(st.booleans())
        else character
        for character in json.dumps(request)
    ) if name == "explain" else json.dumps(request)  # fmt: skip
    assert post(client, body).status_code == (403 if name == "explain" else 200)


def test_keys_change_without_a_break(started, secrets, tmp_path, upstream):
    folder = tmp_path / "secrets"
    shutil.copytree(secrets, folder)
    context = ssl.create_default_context(cafile=str(secrets / "tls.crt"))
    with (
        started(**{"/etc/nginx/secrets": str(folder)}) as (port, log),
        httpx2.Client(base_url=f"https://127.0.0.1:{port}", verify=context) as client,
    ):
        assert post(client, BODY).status_code == 200
        (folder / "api_keys").write_text('"Bearer new" shop;\n')
        os.kill(int((log.parent / "nginx.pid").read_text()), signal.SIGHUP)
        deadline = time.monotonic() + 30
        while (old := client.post(PREDICT, content=BODY, headers=key()).status_code) == 200:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert old == 401
        assert client.post(PREDICT, content=BODY, headers=key("Bearer new")).status_code == 200


def test_what_is_in_flight_is_answered_at_a_shutdown(started, secrets, upstream):
    context = ssl.create_default_context(cafile=str(secrets / "tls.crt"))
    with started() as (port, log):
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=30)
        with contextlib.closing(connection):
            connection.putrequest("POST", PREDICT)
            connection.putheader("Authorization", KEY)
            connection.putheader("Content-Length", str(len(BODY)))
            connection.endheaders(BODY[:5])
            time.sleep(0.3)
            os.kill(int((log.parent / "nginx.pid").read_text()), signal.SIGQUIT)
            time.sleep(0.3)
            connection.send(BODY[5:])
            assert connection.getresponse().status == 200
