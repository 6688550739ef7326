"""TensorFlow Serving's REST interface."""

import base64
import json
import os
import ssl
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import httpx2
import numpy as np

from kerasbert.client.address import Address
from kerasbert.client.failure import (
    Failure,
    garbled,
    no_answer,
    reading_answer,
    unreachable,
    unreadable_authorities,
)
from kerasbert.client.signature import Output, Signature
from kerasbert.client.time_limit import TimeLimit
from kerasbert.errors import AddressError, ServerError, UserError

# A proxy answers 502 or 504 while its server restarts.
_BUSY = (429, 502, 503, 504)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")  # variables of the environment
_MOST_BYTES = 256 * 1024 * 1024  # of an answer; a few compressed bytes could exhaust the memory


class RestTransport:
    """Talks to the REST port, or to a proxy in front of it.

    Args:
        address: an address with the scheme http or https.
        headers: headers of every request.
    """

    def __init__(self, address: Address, headers: Mapping[str, str]):
        parts = [
            f"{address.scheme}://{address.host}{address.prefix}/v1/models/{quote(address.name, safe='')}"
        ]
        if address.version is not None:
            parts.append(f"versions/{address.version}")
        if address.label is not None:
            parts.append(f"labels/{quote(address.label, safe='')}")
        self._model = "/".join(parts)
        self._http = _http_client(address, headers)
        self._limit = TimeLimit()

    def signatures(self, timeout: float) -> Mapping[str, Any]:
        """Requests the metadata."""
        answer = self._ask("GET", "/metadata", None, timeout)
        with reading_answer():
            return answer["metadata"]["signature_def"]["signature_def"]

    def labels(self, inputs: Sequence[str], timeout: float) -> tuple[str, ...]:
        """Classifies an example of empty texts to get the names of the labels."""
        body = {"signature_name": "classify", "examples": [dict.fromkeys(inputs, "")]}
        answer = self._ask("POST", ":classify", body, timeout)
        with reading_answer():
            return tuple(label for label, _ in answer["results"][0])

    def predict(
        self, feeds: Mapping[str, Sequence[bytes]], signature: Signature, timeout: float
    ) -> Mapping[str, np.ndarray]:
        """Sends a request in column format: one list per input and output."""
        columns = {name: [_text_or_b64(value) for value in values] for name, values in feeds.items()}
        answer = self._ask("POST", ":predict", {"signature_name": signature.name, "inputs": columns}, timeout)
        with reading_answer():
            outputs = answer["outputs"]
            if len(signature.outputs) == 1:  # its name is left out
                outputs = dict.fromkeys(signature.outputs, outputs)
            return {name: _array(outputs[name], output) for name, output in signature.outputs.items()}

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def _ask(self, method: str, path: str, body: Any, timeout: float) -> Any:
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        url, trace = self._model + path, {"trace": self._limit.watch}
        received = bytearray()
        self._limit.start(timeout)
        try:
            with self._http.stream(
                method, url, content=content, timeout=timeout, extensions=trace
            ) as response:
                for part in response.iter_bytes():
                    received += part
                    if len(received) > _MOST_BYTES:
                        raise Failure(f"sends more than {_MOST_BYTES >> 20} MiB at once. Lower batch_size")
        except httpx2.ConnectTimeout as error:
            raise unreachable(f"no connection within {timeout:.3g} s") from error
        except httpx2.ConnectError as error:
            again = not isinstance(_first_cause(error), ssl.SSLError)
            raise unreachable(error, again=again) from error
        except httpx2.TimeoutException as error:
            raise no_answer(timeout) from error
        except httpx2.HTTPError as error:
            if str(error).startswith("illegal"):  # the server does not speak HTTP
                raise garbled(error) from error
            raise Failure(f"broke the connection off ({error})", again=True, answered=False) from error
        # A server passes on any bytes that a model outputs.
        text = received.decode("utf-8", "surrogateescape")
        if response.status_code != 200:
            raise _refusal(response, text)
        with reading_answer():
            return json.loads(text)


def _http_client(address: Address, headers: Mapping[str, str]) -> httpx2.Client:
    proxies = " and ".join(name for name in os.environ if name.lower() in _PROXIES)
    try:
        httpx2.URL(f"{address.scheme}://{address.host}")
    except httpx2.InvalidURL as error:
        raise AddressError(f"{address.url}: {error}. Correct the host.") from error
    try:
        return httpx2.Client(headers=dict(headers))
    except OSError as error:
        raise unreadable_authorities(error) from error
    except ImportError as error:
        raise UserError(
            f"{proxies}: a SOCKS proxy needs the package socksio. Install it, or unset the variable."
        ) from error
    except (ValueError, httpx2.InvalidURL) as error:  # do not repeat it: it may contain a password
        raise UserError(f"{proxies}: must be http://HOST:PORT. Correct or unset it.") from error


def _refusal(response: httpx2.Response, text: str) -> Failure:
    code = response.status_code
    unexplained = f"{code} {response.reason_phrase}"
    try:
        reason = str(json.loads(text)["error"]).rstrip(".")
    except (ValueError, TypeError, LookupError):  # from a proxy or another server
        reason = unexplained
    if response.has_redirect_location:
        return Failure(f"redirects to {response.headers['location']}. Name that address", error=AddressError)
    if code == 401 or (code == 403 and reason == unexplained):
        return Failure(f"refuses the request: {reason}. Set KERASBERT_API_KEY", error=AddressError)
    if code in _BUSY:
        return Failure(f"is not available: {reason}", again=True)
    if code == 404:
        reason = f"{reason}. Name a model and version that it serves"
    return Failure(f"refuses the request: {reason}", error=AddressError if code < 500 else ServerError)


def _text_or_b64(value: bytes) -> Any:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(value).decode()}


def _array(values: Any, output: Output) -> np.ndarray:
    shape = (len(values), *output.row)
    if output.dtype == object:
        return np.array(_as_bytes(values), object)  # a NumPy bytes array would drop trailing NULs
    if 0 in shape:
        return np.array(values, output.dtype).reshape(shape)
    return np.array(values).astype(output.dtype, casting="same_kind")


def _as_bytes(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_bytes(item) for item in value]
    if isinstance(value, dict):
        return base64.b64decode(value["b64"])
    return value.encode("utf-8", "surrogateescape")


def _first_cause(error: BaseException) -> BaseException:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return error
