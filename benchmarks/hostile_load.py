"""What the clients of `kerasbert serve` notice of one hostile client beside them.

    python benchmarks/hostile_load.py MODEL_DIR [--seconds 300] [--phase 15] [--connections 16] [--load 0.7]

MODEL_DIR holds versions whose default signature takes `text`. Honest clients send single texts, at a share of
what the server can do, over connections that they keep. In every second phase a hostile client, a process of
its own, sends without a pause what has hurt servers before: masks and ids that no tokenizer gives, gzip that
unpacks to millions of rows, JSON that is none, bodies in crumbs; and it holds a thousand connections on which
it says nothing. Every honest answer is compared with the one from before. All share the machine's cores. Ends
with status 1 after a wrong answer, an error, or a p99 of more than twice that of the quiet phases.
"""

import argparse
import contextlib
import gzip
import http.client
import json
import multiprocessing
import socket
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from serving_load import TEXTS, Server

IDLE = 1000
UNPACKED = 16_000_000  # bytes of a gzip bomb
TOLERANCE = 1e-3  # of a score: what shares a batch may move the last digits
TIMEOUT = 60.0


@dataclass
class Seen:
    """What honest clients saw in phases of one kind."""

    seconds: list[float] = field(default_factory=list)
    wrong: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    def p99(self) -> float:
        """Returns milliseconds."""
        return statistics.quantiles(self.seconds, n=100)[98] * 1e3

    def __str__(self) -> str:
        p50 = statistics.median(self.seconds) * 1e3
        problems = f"{self.wrong} wrong, {sum(self.errors.values())} errors {dict(self.errors) or ''}"
        return f"{len(self.seconds)} answers, p50 {p50:.1f} ms, p99 {self.p99():.1f} ms, {problems}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model_dir", type=Path)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--phase", type=float, default=15.0)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--load", type=float, default=0.7, help="of what the server can do")
    arguments = parser.parse_args()
    with Server(arguments.model_dir) as server:
        expected = [ask(connect(server.url), server.url, text) for text in TEXTS]
        honest = Honest(server.url, expected, arguments.connections)
        honest.phase(Seen(), 3.0, None)
        full = Seen()
        honest.phase(full, 5.0, None)
        rate = arguments.load * len(full.seconds) / 5.0
        print(f"saturation: {full}; from here {rate:.0f} requests/s", flush=True)
        quiet, beside = Seen(), Seen()
        sent: Counter[str] = Counter()
        before = server.memory()
        for _ in range(max(round(arguments.seconds / arguments.phase / 2), 1)):
            honest.phase(quiet, arguments.phase, rate)
            with hostile_client(server.url, sent):
                honest.phase(beside, arguments.phase, rate)
        print(f"alone:               {quiet}")
        print(f"beside the hostile:  {beside}")
        print(f"the hostile client:  {dict(sent)}")
        ratio = beside.p99() / quiet.p99()
        print(f"p99 is {ratio:.2f} times as long; memory {before:.0f} -> {server.memory():.0f} MiB")
    bad = quiet.wrong + beside.wrong + sum((quiet.errors + beside.errors).values())
    return int(bad > 0 or ratio > 2)


def connect(url: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT)


def ask(client: http.client.HTTPConnection, url: str, text: str) -> tuple[str, float]:
    """Returns the label and the score of a text."""
    client.request("POST", urlsplit(url).path, json.dumps({"instances": [text]}).encode())
    response = client.getresponse()
    content = response.read()
    if response.status != 200:
        raise OSError(f"status {response.status}")
    (prediction,) = json.loads(content)["predictions"]
    return str(prediction["label"]), float(prediction["score"])


class Honest:
    """Clients with a connection each, that ask at even distances."""

    def __init__(self, url: str, expected: list[tuple[str, float]], connections: int):
        self._url = url
        self._expected = expected
        self._connections = connections

    def phase(self, seen: Seen, seconds: float, rate: float | None) -> None:
        """Asks for some time; without a rate as fast as answers come."""
        threads = [
            threading.Thread(target=self._ask, args=(index, seen, time.monotonic() + seconds, rate))
            for index in range(self._connections)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _ask(self, index: int, seen: Seen, end: float, rate: float | None) -> None:
        client = connect(self._url)
        pause = self._connections / rate if rate else 0.0
        due = time.monotonic() + pause * index / self._connections
        while due < end and time.monotonic() < end:
            time.sleep(max(due - time.monotonic(), 0.0))
            which = index % len(TEXTS)
            index += 1
            start = time.monotonic()
            try:
                label, score = ask(client, self._url, TEXTS[which])
            except (OSError, http.client.HTTPException, ValueError) as error:
                seen.errors[str(error) or type(error).__name__] += 1
                client.close()
            else:
                seen.seconds.append(time.monotonic() - start)
                right = self._expected[which]
                seen.wrong += label != right[0] or abs(score - right[1]) > TOLERANCE
            due = max(due + pause, time.monotonic()) if rate is None else due + pause
        client.close()


@contextlib.contextmanager
def hostile_client(url: str, sent: Counter[str]) -> Iterator[None]:
    """Runs the hostile client while the block runs; counts the statuses that it got."""
    context = multiprocessing.get_context("spawn")
    stop, results = context.Event(), context.Queue()
    process = context.Process(target=attack, args=(url, stop, results))
    process.start()
    results.get(timeout=TIMEOUT)  # it has begun
    try:
        yield
    finally:
        stop.set()
        sent.update(results.get(timeout=TIMEOUT))
        process.join(TIMEOUT)


def attack(url: str, stop: Any, results: Any) -> None:
    """Attacks until it is told to stop."""
    host, path = urlsplit(url).netloc, urlsplit(url).path
    address, _, port = host.partition(":")
    requests = list(hostile_requests(path))
    sent: Counter[str] = Counter()
    with contextlib.ExitStack() as stack:
        for index in range(IDLE):
            with contextlib.suppress(OSError):
                silent = stack.enter_context(socket.create_connection((address, int(port)), TIMEOUT))
                silent.sendall(b"" if index % 2 else f"POST {path} HTTP/1.1\r\nHost: x\r\n".encode())
        results.put(True)
        while not stop.is_set():
            for name, content in requests:
                if stop.is_set():
                    break
                with (
                    contextlib.suppress(OSError),
                    socket.create_connection((address, int(port)), TIMEOUT) as one,
                ):
                    one.sendall(content)
                    status = one.recv(65536).split(b" ")[1:2]
                    sent[f"{name} {status[0].decode() if status else 'closed'}"] += 1
    results.put(sent)


def hostile_requests(path: str) -> Iterator[tuple[str, bytes]]:
    """Yields names and requests as they go over the wire."""

    def post(body: bytes, *headers: str) -> bytes:
        lines = [f"POST {path} HTTP/1.1", "Host: x", "Connection: close", *headers]
        if not any("chunked" in header for header in headers):
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode() + body

    def rows(**columns: list[int]) -> bytes:
        return json.dumps({"signature_name": "token_ids", "instances": [columns]}).encode()

    for mask in ([-1, 1, 1, 1], [2**31 - 1] * 4, [0] * 4, [1, 0, 9, -9]):
        body = rows(token_ids=[2, 1000, 1001, 3], segment_ids=[0] * 4, padding_mask=mask)
        yield "mask", post(body)
    for ids, segments in (([-5, 2**31 - 1, 0, 3], [0] * 4), ([2, 5, 6, 3], [7, -7, 1, 0])):
        yield "ids", post(rows(token_ids=ids, segment_ids=segments, padding_mask=[1] * 4))
    yield "empty", post(rows(token_ids=[], segment_ids=[], padding_mask=[]))
    for item in ("[],", "0,", '{"x":0},', "1.5e3,", "["):
        bomb = gzip.compress(f'{{"instances":[[{item * (UNPACKED // len(item))}'.encode(), 9)
        yield "bomb", post(bomb, "Content-Encoding: gzip")
    rows_bomb = gzip.compress(b'{"instances":[' + b"[]," * (UNPACKED // 3), 9)
    yield "rows", post(rows_bomb, "Content-Encoding: gzip")
    for body in (b"", b"{", b'{"instances": [' + b"[" * 10_000, b'{"instances": ["\\ud800"]}', b"\xff\xfe\0"):
        yield "no JSON", post(body)
    yield "crumbs", post(b"1\r\n \r\n" * 6000, "Transfer-Encoding: chunked")
    yield "two lengths", post(b"0\r\n\r\n", "Transfer-Encoding: chunked", "Content-Length: 5")
    yield "long text", post(json.dumps({"instances": ["很" * 30_000]}).encode())


if __name__ == "__main__":
    sys.exit(main())
