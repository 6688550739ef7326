"""The URL of a served model."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from kerasbert.errors import AddressError

_GRPC_PORT = 8500
_WORD = r"[^/:?#\x00-\x1f]+"
_NAME = rf"(?P<name>{_WORD})(?:/versions/(?P<version>0*[0-9]{{1,19}})|/labels/(?P<label>{_WORD}))?/?"
_HOST = r"(?P<host>[^/@?#\s]+)"
_FORMS = (
    re.compile(rf"(?P<scheme>https?)://{_HOST}(?P<prefix>(?:/[^?#]*)?)/v1/models/{_NAME}", re.IGNORECASE),
    re.compile(rf"(?P<scheme>grpcs?)://{_HOST}(?P<prefix>)/{_NAME}", re.IGNORECASE),
)


@dataclass(frozen=True)
class Address:
    """The parts of a model's URL. With neither version nor label the server uses the newest version."""

    url: str
    scheme: str  # http, https, grpc or grpcs
    host: str  # including the port
    prefix: str  # path prefix added by a proxy, or ""
    name: str
    version: int | None
    label: str | None

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Parses `http(s)://HOST[:PORT]/v1/models/NAME` or `grpc(s)://HOST[:PORT]/NAME`.

        Either may end with `/versions/N` or `/labels/LABEL`.

        Raises:
            AddressError: the URL has neither form.
        """
        if "@" in url.partition("/v1/models/")[0]:  # do not repeat it: it may contain a password
            raise AddressError("The URL of a server must not contain a user. Use KERASBERT_API_KEY instead.")
        found = next(filter(None, (form.fullmatch(url) for form in _FORMS)), None)
        if found is None or not _is_host(found["host"]) or int(found["version"] or 0) >= 2**63:
            shown = url if url.isprintable() else ascii(url)
            raise AddressError(
                f"{shown}: must be http://HOST:8501/v1/models/NAME or "
                "grpc://HOST:8500/NAME (https, grpcs for TLS), and may end with /versions/N or /labels/LABEL."
            )
        scheme, host = found["scheme"].lower(), found["host"]
        if scheme.startswith("grpc") and urlsplit(url).port is None:
            host = f"{host}:{_GRPC_PORT}"
        version = int(found["version"]) if found["version"] else None
        label = unquote(found["label"]) if found["label"] else None
        return cls(url, scheme, host, found["prefix"], unquote(found["name"]), version, label)


def _is_host(host: str) -> bool:
    try:
        parts = urlsplit(f"//{host}")
        (parts.hostname or "").encode("idna")
        return bool(parts.hostname) and host.isprintable() and (parts.port is None or parts.port > 0)
    except ValueError:  # a port that is not a number, an unclosed IPv6 address, or no name of a host
        return False
