"""A client with the interface of a local model."""

import os
import re
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from functools import cached_property
from numbers import Integral, Real
from threading import Event
from typing import Any

import numpy as np

from kerasbert.client.address import Address
from kerasbert.client.rest_transport import RestTransport
from kerasbert.client.retries import Answer, Retries
from kerasbert.client.signature import Signature
from kerasbert.client.transport import Transport
from kerasbert.config import DataConfig
from kerasbert.errors import AddressError, DataError, UserError, excerpt

_REQUEST_BYTES = 512 * 1024  # half of nginx's default limit
_LONGEST = 1_000_000  # seconds; a socket cannot wait for 2^31 ms
_HEADER = re.compile(r"[a-z0-9_.-]+")
_EXPLAINED = 8  # rows of an `explain` request, which is expensive; the default limit of `kerasbert serve`

_Feeds = dict[str, list[bytes]]


class Client:
    """A model that kerasbert exported, behind TensorFlow Serving or `kerasbert serve`.

    It is thread-safe and a context manager. A request that fails because the server is busy, restarts or
    does not answer is retried with exponential back-off and jitter. Until the server has answered once,
    connection errors are not retried.

    Args:
        url: `http(s)://HOST[:PORT]/v1/models/NAME` for REST or `grpc(s)://HOST[:PORT]/NAME` for gRPC;
            either may end with `/versions/N` or `/labels/LABEL`.
        api_key: sent as `Authorization: Bearer KEY`. Defaults to the environment variable
            KERASBERT_API_KEY, if set.
        headers: sent with every request; an `Authorization` header overrides the key.
        timeout: seconds for one attempt.
        deadline: seconds for a request, including retries.
        batch_size: maximum number of texts per request.
        concurrency: maximum number of concurrent requests.

    Raises:
        AddressError: `url` is malformed.
        UserError: a number is out of its range, a header is not printable ASCII, or the environment names a
            proxy or certificates that cannot be used.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        deadline: float = 60.0,
        batch_size: int = 64,
        concurrency: int = 4,
    ):
        if not isinstance(url, str):
            raise AddressError(f"url: must be a str. Received: {type(url).__name__}.")
        for name, seconds in (("timeout", timeout), ("deadline", deadline)):
            if not (isinstance(seconds, Real) and 0 < seconds <= _LONGEST):
                raise UserError(
                    f"{name}: must be a number above 0, at most {_LONGEST}. Received: {seconds!r}"
                )
        for name, number in (("batch_size", batch_size), ("concurrency", concurrency)):
            if not (isinstance(number, Integral) and number > 0):
                raise UserError(f"{name}: must be a whole number above 0. Received: {number!r}")
        self._address = Address.parse(url)
        self._transport = _transport(self._address, _all_headers(api_key, headers))
        self._disconnect = weakref.finalize(self, self._transport.close)
        self._retries = Retries(self._address.url, timeout, deadline)
        self._batch_size = batch_size
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="kerasbert-client")

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Waits for requests in flight and closes the connections."""
        self._threads.shutdown()
        self._disconnect()

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The labels in the order of `probabilities`."""
        signature = self._signature
        return self._once(
            lambda timeout: signature.check_labels(self._transport.labels(signature.inputs, timeout))
        )

    @property
    def takes_pairs(self) -> bool:
        """Whether a row is two texts."""
        return "pair" in self._signature.inputs

    @property
    def data(self) -> DataConfig:
        """Default column names of data files, which a server does not know: text, label and pair."""
        return DataConfig(pair_column="pair" if self.takes_pairs else None)

    @property
    def label_separator(self) -> str | None:
        """The separator of the labels of a row in data files, or None if a row has one label."""
        if not {"selected", "given"} & set(self._signature.outputs):  # `given`: earlier exports
            return None
        from kerasbert.tasks import MultiLabel  # with Keras

        return MultiLabel.label_separator

    def predict(
        self, texts: Sequence[str | bytes], pairs: Sequence[str | bytes] | None = None
    ) -> dict[str, np.ndarray]:
        """Returns the task's outputs for any number of texts, like a local model.

        Raises:
            UserError: the server rejects the request, an item is not a text, or the model takes pairs and
                `pairs` is missing, or the reverse.
            ServerError: the server cannot be reached, does not answer by the deadline, or sends an invalid
                answer.
        """
        return self._ask(self._signature, self._batch_size, text=texts, pair=pairs)

    def explain(
        self,
        texts: Sequence[str | bytes],
        pairs: Sequence[str | bytes] | None = None,
        label: str | None = None,
    ) -> dict[str, np.ndarray]:
        """Returns the outputs of `explain` for any number of texts.

        Args:
            texts: the texts.
            pairs: the second texts, for a model of pairs.
            label: the label to explain. None: the predicted label of each text.

        Raises:
            AddressError: the model has no signature `explain`, or the server rejects it.
            UserError: the label is unknown, or as in `predict`.
            ServerError: as in `predict`.
        """
        if label is not None and label not in self.labels:
            raise UserError(f"label: must be one of {', '.join(self.labels)}. Received: {label!r}")
        rows = min(self._batch_size, _EXPLAINED)
        texts = _encoded(texts, "texts")
        labels = [label or ""] * len(texts)
        return self._ask(self._explanation, rows, text=texts, pair=pairs, label=labels)

    def embed(
        self, texts: Sequence[str | bytes], pairs: Sequence[str | bytes] | None = None
    ) -> dict[str, np.ndarray]:
        """Returns the outputs of `embed` for any number of texts: `vector`, float32 [n, hidden].

        Raises:
            AddressError: the model has no signature `embed`, or the server rejects it.
            UserError: as in `predict`.
            ServerError: as in `predict`.
        """
        return self._ask(self._embedding, self._batch_size, text=texts, pair=pairs)

    def _ask(
        self, signature: Signature, rows: int, **inputs: Sequence[str | bytes] | None
    ) -> dict[str, np.ndarray]:
        columns = {
            name: _encoded(column, f"{name}s") for name, column in inputs.items() if column is not None
        }
        if tuple(columns) != signature.inputs:
            takes = "pairs: two texts a row" if self.takes_pairs else "single texts, not pairs"
            raise UserError(f"{self._address.url}: takes {takes}.")
        if len(set(map(len, columns.values()))) > 1:
            raise DataError("texts and pairs: must have the same length.")
        return signature.join(self._in_flight(signature, _batches(columns, rows)))

    def _in_flight(self, signature: Signature, batches: Iterable[_Feeds]) -> list[dict[str, np.ndarray]]:
        """Returns the answers in the order of `batches`; the first failure stops all requests."""
        self._check_open()
        stopped = Event()
        errors: list[BaseException] = []

        def answer(feeds: _Feeds) -> dict[str, np.ndarray]:
            if stopped.is_set():
                raise errors[0] if errors else CancelledError()
            try:
                return self._retries.ask(lambda timeout: self._predict(signature, feeds, timeout), stopped)
            except BaseException as error:
                errors.append(error)
                stopped.set()
                raise errors[0] from errors[0].__cause__

        try:
            return list(self._threads.map(answer, batches))
        finally:
            stopped.set()

    def _predict(self, signature: Signature, feeds: _Feeds, timeout: float) -> dict[str, np.ndarray]:
        return signature.check(self._transport.predict(feeds, signature, timeout), len(feeds["text"]))

    @cached_property
    def _signature(self) -> Signature:
        return self._once(lambda timeout: Signature.parse(self._transport.signatures(timeout)))

    @cached_property
    def _explanation(self) -> Signature:
        return self._other_signature("explain", "Export the run again")

    @cached_property
    def _embedding(self) -> Signature:
        return self._other_signature("embed", "Export the run again with --signature embed")

    def _other_signature(self, name: str, remedy: str) -> Signature:
        return self._once(
            lambda timeout: Signature.parse_other(self._transport.signatures(timeout), name, remedy)
        )

    def _once(self, request: Callable[[float], Answer]) -> Answer:
        self._check_open()
        return self._retries.ask(request, Event())

    def _check_open(self) -> None:
        if not self._disconnect.alive:
            raise UserError(f"{self._address.url}: this client is closed. Make a new one.")


def _transport(address: Address, headers: Mapping[str, str]) -> Transport:
    if address.scheme.startswith("http"):
        return RestTransport(address, headers)
    from kerasbert.client.grpc_transport import GrpcTransport  # with TensorFlow

    return GrpcTransport(address, headers)


def _all_headers(api_key: str | None, headers: Mapping[str, str] | None) -> dict[str, str]:
    key = os.environ.get("KERASBERT_API_KEY", "") if api_key is None else api_key
    if not isinstance(key, str):
        raise UserError(f"api_key: must be a str. Received: {type(key).__name__}.")
    if not isinstance(headers, Mapping | None):
        raise UserError(f"headers: must be a dict of str. Received: {type(headers).__name__}.")
    result = {"authorization": f"Bearer {key.strip()}"} if key.strip() else {}
    for name, value in (headers or {}).items():
        if not (isinstance(name, str) and _HEADER.fullmatch(name.lower())):
            raise UserError(f"headers: {name!r} is not the name of a header.")
        if not isinstance(value, str):
            raise UserError(f"headers: {name} must be a str. Received: {type(value).__name__}.")
        result[name.lower()] = value
    for name, value in result.items():
        if not (value.isascii() and value.isprintable()):
            raise UserError(f"{name}: must be printable ASCII. Correct the API key or the header.")
    return result


def _encoded(texts: Iterable[str | bytes], name: str) -> list[bytes]:
    """Returns texts encoded as UTF-8.

    Raises:
        DataError: an item is not a text, or `texts` is a single string or a table.
    """
    table = isinstance(texts, Mapping) or hasattr(texts, "columns")
    if table or isinstance(texts, str | bytes) or not isinstance(texts, Iterable):
        raise DataError(f"{name}: must be a list of texts. Received: {type(texts).__name__}.")
    encoded = []
    for place, text in enumerate(texts):
        if not isinstance(text, str | bytes):
            raise DataError(f"{name}[{place}]: must be a text. Received: {text!r} ({type(text).__name__}).")
        try:
            encoded.append(text.encode() if isinstance(text, str) else text)
        except UnicodeEncodeError as error:
            raise DataError(
                f"{name}[{place}]: holds half of a surrogate pair: {excerpt(repr(text))}"
            ) from error
    return encoded


def _batches(columns: Mapping[str, Sequence[bytes]], most: int) -> Iterator[_Feeds]:
    rows: list[tuple[bytes, ...]] = []
    size = 0
    for row in zip(*columns.values(), strict=True):
        length = sum(map(len, row))
        if rows and (len(rows) == most or size + length > _REQUEST_BYTES):
            yield _feeds(columns, rows)
            rows, size = [], 0
        rows.append(row)
        size += length
    if rows:
        yield _feeds(columns, rows)


def _feeds(names: Mapping[str, Any], rows: list[tuple[bytes, ...]]) -> _Feeds:
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
