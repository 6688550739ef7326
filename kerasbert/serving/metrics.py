"""Metrics for Prometheus, with TensorFlow Serving's names."""

import contextlib
import re
import time
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import Metric
from prometheus_client.samples import Sample

from kerasbert.serving.errors import ServingError

_MICROSECONDS = [10 * 1.8**power for power in range(33)]
_ROWS = [2**power for power in range(13)]


class Metrics:
    """Counts and times requests.

    Args:
        name: the served model; requests for other names are counted as `unknown`.
    """

    def __init__(self, name: str):
        self._name = name
        self._registry = CollectorRegistry()
        self._requests = Counter(
            ":tensorflow:serving:request_count",
            "The total number of requests.",
            ["model_name", "status"],
            registry=self._registry,
        )
        self._latency = Histogram(
            ":tensorflow:serving:request_latency",
            "Distribution of wall time (in microseconds) of requests.",
            ["model_name", "API", "entrypoint"],
            buckets=_MICROSECONDS,
            registry=self._registry,
        )
        self._runtime = Histogram(
            ":tensorflow:serving:runtime_latency",
            "Distribution of wall time (in microseconds) of runs of the model.",
            ["model_name"],
            buckets=_MICROSECONDS,
            registry=self._registry,
        )
        self._batch = Histogram(
            ":tensorflow:serving:batching_session:processed_batch_size",
            "Rows of a run of the model.",
            ["model_name"],
            buckets=_ROWS,
            registry=self._registry,
        )

    @contextlib.contextmanager
    def request(self, model: str, api: str, entrypoint: str) -> Iterator[None]:
        """Records the request that the block handles, and its status."""
        start, status = time.perf_counter(), "UNKNOWN"
        name = model if model == self._name else "unknown"
        try:
            yield
            status = "OK"
            seconds = time.perf_counter() - start
            self._latency.labels(name, api, entrypoint).observe(seconds * 1e6)
        except ServingError as error:
            status = error.code.name
            raise
        finally:
            self._requests.labels(name, status).inc()

    def run(self, rows: int, seconds: float) -> None:
        """Records a run of the model."""
        self._batch.labels(self._name).observe(rows)
        self._runtime.labels(self._name).observe(seconds * 1e6)

    def page(self) -> bytes:
        """Returns all metrics in Prometheus' text format."""
        page = generate_latest(_Exact(self._registry))
        return re.sub(rb"(?m)^(# TYPE \S+) untyped$", rb"\1 counter", page)


class _Exact(CollectorRegistry):
    """Exports counters with TensorFlow Serving's names, without `_total` and creation times.

    They are untyped here, since the counter type implies the suffix `_total`.
    """

    def __init__(self, registry: CollectorRegistry):
        super().__init__()
        self._inner = registry

    def collect(self) -> Iterable[Metric]:
        for metric in self._inner.collect():
            samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            if metric.type == "counter":
                renamed = Metric(metric.name, metric.documentation, "unknown")
                renamed.samples = [Sample(metric.name, sample.labels, sample.value) for sample in samples]
                yield renamed
            else:
                metric.samples = samples
                yield metric
