import pytest

from kerasbert.client import Client
from kerasbert.client.address import Address
from kerasbert.errors import AddressError


@pytest.mark.parametrize(
    ("url", "scheme", "host", "prefix", "name", "version", "label"),
    [
        ("http://h:8501/v1/models/m", "http", "h:8501", "", "m", None, None),
        ("HTTPS://h/v1/models/m/", "https", "h", "", "m", None, None),
        ("https://h/a/b/v1/models/m/versions/12", "https", "h", "/a/b", "m", 12, None),
        ("http://[::1]:80/v1/models/m/labels/stable", "http", "[::1]:80", "", "m", None, "stable"),
        ("http://h/v1/models/情感", "http", "h", "", "情感", None, None),
        ("http://h/v1/models/%E6%83%85%E6%84%9F/labels/a%20b", "http", "h", "", "情感", None, "a b"),
        ("http://h/v1/models/v1/models/m", "http", "h", "/v1/models", "m", None, None),
        ("grpc://h/m", "grpc", "h:8500", "", "m", None, None),
        ("grpc://h:1/m/versions/00000123", "grpc", "h:1", "", "m", 123, None),
        ("grpc://h:1/m/versions/1700000000000000000", "grpc", "h:1", "", "m", 1700000000000000000, None),
        ("grpc://h:1/m/versions/0", "grpc", "h:1", "", "m", 0, None),
        ("grpcs://[::1]/m/labels/x", "grpcs", "[::1]:8500", "", "m", None, "x"),
    ],
)
def test_a_url_has_parts(url, scheme, host, prefix, name, version, label):
    assert Address.parse(url) == Address(url, scheme, host, prefix, name, version, label)


@pytest.mark.parametrize(
    "url",
    [
        "", "m", "http://", "http://h", "http://h/", "http://h/v1/models/", "http://h/v1/models/m:predict",
        "http://h/v1/models/m/versions/one", "http://h/v1/models/m/versions/-1", "http://h/v1/models/m/labels/",
        "http://h/v1/models/m/versions/1/labels/x", "http://h/v1/models/m?x=1", "http://h/v1/models/m#x",
        "http:///v1/models/m", "http://h:x/v1/models/m", "http://h:70000/v1/models/m", "http://h:0/v1/models/m",
        "http://[::1/v1/models/m", "http://h h/v1/models/m", "ftp://h/m", "grpc://h", "grpc://h/", "grpc:///m",
        "grpc://h/v1/models/m", "http://h/v1/models/m\n", "http://h/v1/models/m/versions/9999999999999999999",
        "http://h/v1/models/m/versions/１", "http://h\u200b/v1/models/m", "grpc://h\u200b/m", "grpc://a..b/m",
        "http://a..b/v1/models/m", f"http://{'a' * 70}/v1/models/m",
    ],
)  # fmt: skip
def test_any_other_url_is_refused_with_the_forms(url):
    with pytest.raises(
        AddressError, match="must be http://HOST:8501/v1/models/NAME or grpc://HOST:8500/NAME"
    ):
        Client(url)


def test_what_cannot_be_seen_in_a_url_is_shown():
    with pytest.raises(AddressError, match=r"^'http://h\\u200b:1/v1/models/m': must be"):
        Client("http://h\u200b:1/v1/models/m")


def test_a_host_that_is_no_name_is_refused():
    with pytest.raises(
        AddressError, match=r"^http://h☺/v1/models/m: Invalid IDNA hostname.*Correct the host\.$"
    ):
        Client("http://h☺/v1/models/m")


@pytest.mark.parametrize("url", ["http://me:secret@h/v1/models/m", "grpc://me:secret@h/m", "http://secret@h"])
def test_a_password_is_refused_and_not_shown(url):
    with pytest.raises(AddressError, match="KERASBERT_API_KEY") as caught:
        Client(url)
    assert "secret" not in str(caught.value)
