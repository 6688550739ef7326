"""Reaching the server: names, versions, keys, TLS, and what cannot be reached."""

import contextlib
import shutil
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
import tensorflow as tf

from kerasbert.client import Client
from kerasbert.errors import AddressError, ServerError, UserError
from kerasbert.predictors import open_model

from ..support import free_ports


@pytest.mark.parametrize("suffix", ["", "/", "/versions/3", "/labels/stable"])
def test_versions_and_labels_are_asked_for(served, suffix):
    with Client(served[0] + suffix) as client:
        assert client.labels == ("negative", "positive")
        assert len(client.predict(["手机很好"])["label"]) == 1


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("{}s", r"Servable not found for request: Latest\(评论 1s\)\. Name a model and version"),
        (
            "{}/versions/9",
            r"Servable not found for request: Specific\(评论 1, 9\)\. Name a model and version",
        ),
        ("{}/labels/none", r"Unrecognized servable version label: none\."),
    ],
)
def test_what_a_server_does_not_have_is_told_in_its_words(served, url, message):
    with pytest.raises(AddressError, match=message):
        open_model(url.format(served[0]))


def test_a_model_of_another_kind_is_refused(serve, served_model_class, interface, tmp_path):
    double = tf.function(lambda x: {"y": x * 2}, input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    module = tf.Module()
    module.double = double
    tf.saved_model.save(module, str(tmp_path), {"serving_default": double})
    message = r"m: must be a model that kerasbert exported: .* x to y\.$"
    with (
        serve(interface, served_model_class(tmp_path, "m")) as url,
        pytest.raises(AddressError, match=message),
    ):
        open_model(url)


@pytest.mark.parametrize("form", ["http://{}/v1/models/m", "grpc://{}/m"])
def test_a_refused_connection_is_told_at_once(form):
    host = f"127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(ServerError, match=r"cannot be reached \(.*Connection refused\)\. Start the server"):
        open_model(form.format(host))


@pytest.mark.parametrize("form", ["http://{}/v1/models/m", "grpc://{}/m"])
def test_an_unknown_host_is_told_at_once(form):
    with pytest.raises(ServerError, match=r"nowhere\.invalid.*: cannot be reached \("):
        open_model(form.format("nowhere.invalid"))


def test_rest_at_the_grpc_port_and_the_other_way_round(served, interface):
    address = served[0].split("/")[2]
    url = f"grpc://{address}/m" if interface == "rest" else f"http://{address}/v1/models/m"
    with pytest.raises(ServerError, match=r"cannot be reached|does not answer like TensorFlow Serving"):
        open_model(url)


def test_headers_and_key_are_sent_with_every_request(served, monkeypatch):
    url, model = served
    monkeypatch.setenv("KERASBERT_API_KEY", " from the environment\n")
    with Client(url) as client:
        client.predict(["a"])
    assert {headers["authorization"] for headers in model.headers} == {"Bearer from the environment"}
    model.headers.clear()
    with Client(url, api_key="given", headers={"X-Trace": "7"}) as client:
        client.predict(["a"])
        assert client.labels
    assert {(h["authorization"], h["x-trace"]) for h in model.headers} == {("Bearer given", "7")}
    assert len(model.headers) == 3
    model.headers.clear()
    with Client(url, api_key="given", headers={"Authorization": "Basic x"}) as client:
        client.predict(["a"])
    assert {h["authorization"] for h in model.headers} == {"Basic x"}


def test_without_a_key_none_is_sent(served, monkeypatch):
    url, model = served
    monkeypatch.delenv("KERASBERT_API_KEY", raising=False)
    with Client(url) as client:
        client.predict(["a"])
    assert not any("authorization" in headers for headers in model.headers)


@pytest.mark.parametrize("key", ["密钥", "a\nb", "a\0"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_shown(key):
    with pytest.raises(UserError, match="authorization: must be printable ASCII") as caught:
        Client("http://h/v1/models/m", api_key=key)
    assert key not in str(caught.value)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    key, chain = tmp_path_factory.mktemp("tls") / "key.pem", tmp_path_factory.mktemp("tls") / "chain.pem"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", *curve, *name, "-keyout", str(key), "-out", str(chain)]
    subprocess.run(command, check=True, capture_output=True)
    return key, chain


@pytest.fixture
def served_over_tls(interface, certificate, handmade, served_model_class, run_rest, run_grpc):
    key, chain = certificate
    model = served_model_class(handmade, "m")
    with contextlib.ExitStack() as stack:
        if interface == "rest":
            port = stack.enter_context(run_rest(model, ssl_keyfile=key, ssl_certfile=chain))
            yield f"https://127.0.0.1:{port}/v1/models/m"
        else:
            credentials = grpc.ssl_server_credentials([(key.read_bytes(), chain.read_bytes())])
            yield f"grpcs://127.0.0.1:{stack.enter_context(run_grpc(model, credentials=credentials))}/m"


def test_tls_with_an_authority_of_ones_own(served_over_tls, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    with Client(served_over_tls) as client:
        assert len(client.predict(["a"], ["b"])["label"]) == 1


def test_a_certificate_that_nobody_vouches_for_is_refused(served_over_tls):
    with pytest.raises(ServerError, match=r"cannot be reached \(.*(certificate verify|VERIFY_FAILED)"):
        open_model(served_over_tls)


def test_tls_to_a_server_without_is_told(served):
    with pytest.raises(ServerError, match="cannot be reached"):
        open_model(served[0].replace("://", "s://"))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:1080", "a SOCKS proxy needs the package socksio"),
        ("HTTP_PROXY", "foo://user:secret@x", "must be http://HOST:PORT"),
        ("http_proxy", "http://x:secret", "must be http://HOST:PORT"),
        ("SSL_CERT_FILE", "/nonexistent/secret", "/nonexistent/secret: has no readable certificates"),
    ],
)
def test_a_variable_that_httpx_cannot_use_is_named(monkeypatch, name, value, message):
    if "socks" in value:
        monkeypatch.setitem(sys.modules, "socksio", None)
    for other in ("all_proxy", "http_proxy", "https_proxy"):
        monkeypatch.delenv(other, raising=False)
        monkeypatch.delenv(other.upper(), raising=False)
    monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=f"^{name}: {message}") as caught:
        Client("https://h/v1/models/m")
    assert name == "SSL_CERT_FILE" or "secret" not in str(caught.value)


def test_authorities_that_cannot_be_read_are_named_over_grpc(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent")
    with pytest.raises(UserError, match=r"^SSL_CERT_FILE: /nonexistent: has no readable certificates"):
        Client("grpcs://h/m")


def test_asking_over_rest_does_not_import_tensorflow():
    code = (
        "import sys; from kerasbert.serving import Client; Client('http://h/v1/models/m').close();"
        "print([name for name in ('tensorflow', 'keras', 'grpc') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"
