"""Where a served model is."""

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
    """The parts of the URL of a model; with neither version nor label the server takes the newest."""

    url: str
    scheme: str  # http, https, grpc or grpcs
    host: str  # with the port
    prefix: str  # of the path, where a proxy gives it one
    name: str
    version: int | None
    label: str | None

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Reads `http(s)://HOST[:PORT]/v1/models/NAME` or `grpc(s)://HOST[:PORT]/NAME`.

        Either may end with `/versions/N` or `/labels/LABEL`.

        Raises:
            AddressError: it is neither.
        """
        if "@" in url.partition("/v1/models/")[0]:  # it may be a password, which no message shows
            raise AddressError("The URL of a server must not hold a user. Use KERASBERT_API_KEY instead.")
        found = next(filter(None, (form.fullmatch(url) for form in _FORMS)), None)
        if found is None or not _is_host(found["host"]) or int(found["version"] or 0) >= 2**63:
            raise AddressError(
                f"{url}: must be http://HOST:8501/v1/models/NAME or "
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
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # a port that is no number, an IPv6 address without its end
        return False
