"""How much `kerasbert serve` answers, for how long, and what it costs beside the bare SavedModel.

    python benchmarks/serving_load.py MODEL_DIR [--seconds 60] [--soak-seconds 600] [--connections 1,8,64]

Needs wrk and hey (Debian has both). MODEL_DIR holds versions whose default signature takes `text`. Three
parts: as many single texts as it can answer to so many clients (wrk); 70 % of the highest rate for a long
time (hey), with the server's memory before and after; and 32 texts a request beside the same batches run in
one process without a server. Client and server share the machine's cores. Ends with status 1 after any error.
"""

import argparse
import csv
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

TEXTS = (
    "房间干净，服务员很热情，下次还会再来。",
    "等了两个小时才送到，饭都凉了，客服也不理人！",
    "今晚八点半决赛，主队2比1逆转。",
    "The battery lasts two days, great value.",
)
BATCH = 32
_WRK_SCRIPT = """
wrk.method = "POST"
wrk.body = io.open(os.getenv("BODY")):read("*a")
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %f %f %f\\n", summary.requests,
    e.connect + e.read + e.write + e.status + e.timeout, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
"""


@dataclass(frozen=True)
class Load:
    """What a client saw."""

    rate: float  # requests a second
    errors: int
    p50: float  # milliseconds
    p99: float

    def __str__(self) -> str:
        return (
            f"{self.rate:.0f} requests/s, p50 {self.p50:.1f} ms, p99 {self.p99:.1f} ms, {self.errors} errors"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model_dir", type=Path)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--soak-seconds", type=int, default=600)
    parser.add_argument("--connections", default="1,8,64")
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.bare:
        print(bare(arguments.model_dir, arguments.seconds))
        return 0
    errors = 0
    with tempfile.TemporaryDirectory() as directory, Server(arguments.model_dir) as server:
        one, many = (body(Path(directory) / f"{rows}.json", rows) for rows in (1, BATCH))
        full: dict[int, Load] = {}
        for clients in map(int, arguments.connections.split(",")):
            wrk(server.url, one, 5, clients)
            full[clients] = wrk(server.url, one, arguments.seconds, clients)
            print(f"1 text, {clients:>2} clients:  {full[clients]}", flush=True)
        most = max(full, key=lambda clients: full[clients].rate)
        before = server.memory()
        soak = hey(server.url, one, arguments.soak_seconds, most, 0.7 * full[most].rate)
        print(f"soak at 70 %:        {soak}; memory {before:.0f} -> {server.memory():.0f} MiB", flush=True)
        wrk(server.url, many, 5, 4)
        batched = wrk(server.url, many, arguments.seconds, 4)
        errors = sum(load.errors for load in (*full.values(), soak, batched))
        print(f"{BATCH} texts:            {batched}", flush=True)
    command = [
        sys.executable,
        __file__,
        str(arguments.model_dir),
        "--bare",
        "--seconds",
        str(arguments.seconds),
    ]
    alone = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    rows = batched.rate * BATCH
    print(f"texts a second:      {rows:.0f} served, {alone:.0f} bare: overhead {1 - rows / alone:.0%}")
    return int(errors > 0)


class Server:
    """`kerasbert serve` on free ports."""

    def __init__(self, model_dir: Path):
        command = "from kerasbert.cli import main; main()"
        options = ("--name", "m", "--rest-port", "0", "--grpc-port", "0", "--max-batch-size", str(BATCH))
        self._process = subprocess.Popen(
            [sys.executable, "-c", command, "serve", str(model_dir), *options],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        line = self._process.stdout.readline()
        self.url = next(word for word in line.split() if word.startswith("http://")) + ":predict"

    def memory(self) -> float:
        """Returns the resident MiB."""
        pages = Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        print(f"exit status:         {self._process.wait(60)}")


def body(path: Path, rows: int) -> Path:
    texts = [TEXTS[index % len(TEXTS)] for index in range(rows)]
    path.write_text(json.dumps({"instances": texts}), encoding="utf-8")
    return path


def wrk(url: str, body: Path, seconds: int, connections: int) -> Load:
    script = body.with_suffix(".lua")
    script.write_text(_WRK_SCRIPT, encoding="utf-8")
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(script), url]
    output = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "BODY": str(body)}
    ).stdout
    result = next(line for line in output.splitlines() if line.startswith("RESULT"))
    requests, errors, duration, p50, p99 = map(float, result.split()[1:])
    return Load(requests / duration, int(errors), p50, p99)


def hey(url: str, body: Path, seconds: int, connections: int, rate: float) -> Load:
    options = ["-z", f"{seconds}s", "-c", str(connections), "-q", f"{rate / connections:.3f}", "-t", "30"]
    command = ["hey", *options, "-m", "POST", "-D", str(body), "-o", "csv", url]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = list(csv.DictReader(io.StringIO(output)))
    times = sorted(float(row["response-time"]) * 1e3 for row in rows)
    errors = sum(row["status-code"] != "200" for row in rows)
    quantiles = statistics.quantiles(times, n=100)
    return Load(len(rows) / seconds, errors, quantiles[49], quantiles[98])


def bare(model_dir: Path, seconds: int) -> float:
    """Returns texts a second without a server; the better of one thread and two."""
    import tensorflow as tf
    import tensorflow_text  # noqa: F401

    newest = max(
        (path for path in model_dir.iterdir() if path.name.isdigit()), key=lambda path: int(path.name)
    )
    model = tf.saved_model.load(str(newest))
    texts = tf.constant([TEXTS[index % len(TEXTS)] for index in range(BATCH)])

    def run(end: float) -> int:
        count = 0
        while time.monotonic() < end:
            for output in model.signatures["serving_default"](text=texts).values():
                output.numpy()
            count += BATCH
        return count

    run(time.monotonic() + 5)
    rates = []
    for threads in (1, 2):
        start = time.monotonic()
        with ThreadPoolExecutor(threads) as pool:
            total = sum(pool.map(run, [start + seconds / 2] * threads))
        rates.append(total / (time.monotonic() - start))
    return max(rates)


if __name__ == "__main__":
    sys.exit(main())
