"""Dynamic batching: waiting requests for the same signature share a run of the model."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol

import grpc
import numpy as np

from kerasbert.serving.errors import ServingError, invalid, timed_out, to_serving_error, unavailable

Arrays = Mapping[str, np.ndarray]


class Runner(Protocol):
    """Runs signatures; implemented by `Servable`."""

    def run(self, signature: str, inputs: Arrays) -> dict[str, np.ndarray]:
        """Returns the outputs."""
        ...

    def batches(self, signature: str) -> bool:
        """Whether rows of several requests may be batched."""
        ...


@dataclass
class _Request:
    servable: Runner
    signature: str
    inputs: Arrays
    deadline: float
    rows: int
    key: Any  # requests with equal keys can be batched; None: runs alone
    parts: list[dict[str, np.ndarray]] = field(default_factory=list)  # the outputs so far
    future: Future[dict[str, np.ndarray]] = field(default_factory=Future)


class Batcher:
    """Runs requests on its own threads, batching as many waiting rows as fit.

    Long requests run in parts, take turns with each other, and never occupy the last thread, so that short
    requests need not wait for them.

    TensorFlow's own `tf.nondifferentiable_batch` blocks a thread for each waiting request, and cannot drop
    a request whose client has disconnected.

    Args:
        max_batch_size: maximum number of rows of a run; larger requests are long and run in parts.
        queue_size: maximum number of waiting requests.
        threads: number of threads that run the model; TensorFlow itself uses all cores.
        observe: called with the rows and seconds of each run.
    """

    def __init__(
        self,
        max_batch_size: int,
        queue_size: int,
        threads: int = 2,
        observe: Callable[[int, float], None] = lambda rows, seconds: None,
    ):
        self._max_batch_size = max_batch_size
        self._queue_size = queue_size
        self._observe = observe
        self._waiting: deque[_Request] = deque()
        self._long: deque[_Request] = deque()
        self._long_places = max(threads - 1, 1)
        self._change = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"batcher-{index}", daemon=True)
            for index in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self, servable: Runner, signature: str, inputs: Arrays, deadline: float, slow: bool = False
    ) -> Future[dict[str, np.ndarray]]:
        """Queues a request; the future resolves to its outputs or raises a `ServingError`.

        Args:
            servable: the model.
            signature: the name of the signature.
            inputs: the input arrays.
            deadline: a time of `time.monotonic`; a request still waiting then is dropped.
            slow: whether the request is long regardless of its rows.

        Raises:
            ServingError: the queue is full or closed, or the inputs differ in their number of rows.
        """
        request = _Request(servable, signature, inputs, deadline, *_rows_and_key(servable, signature, inputs))
        takes_long = slow or request.rows > self._max_batch_size
        with self._change:
            if self._closed:
                raise unavailable("The server is shutting down")
            if len(self._waiting) + len(self._long) >= self._queue_size:
                raise unavailable("The batch scheduling queue to which this task was submitted is full")
            (self._long if takes_long else self._waiting).append(request)
            self._change.notify()
        return request.future

    def close(self, timeout: float) -> None:
        """Finishes the waiting requests, for at most `timeout` seconds."""
        with self._change:
            self._closed = True
            self._change.notify_all()
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0.0))

    def _work(self) -> None:
        while taken := self._take():
            if isinstance(taken, _Request):
                try:
                    again = _is_live(taken) and self._advance(taken)
                finally:
                    with self._change:
                        self._long_places += 1
                        if again:
                            self._long.append(taken)
                        self._change.notify_all()
            elif live := [request for request in taken if _is_live(request)]:
                self._answer(live)

    def _take(self) -> "_Request | list[_Request]":
        """Waits for work: a long request or a batch of short ones; an empty list means closed and done."""
        with self._change:
            self._change.wait_for(lambda: self._waiting or self._long_is_free() or self._done())
            if self._long_is_free():
                self._long_places -= 1
                if self._waiting:
                    self._change.notify()
                return self._long.popleft()
            if not self._waiting:
                return []
            first = self._waiting.popleft()
            batch, key, rows = [first], first.key, first.rows
            passed: list[_Request] = []
            while key is not None and self._waiting and rows < self._max_batch_size:
                request = self._waiting.popleft()
                if request.key == key and rows + request.rows <= self._max_batch_size:
                    batch.append(request)
                    rows += request.rows
                else:
                    passed.append(request)
            self._waiting.extendleft(reversed(passed))
            if self._waiting:
                self._change.notify()
            return batch

    def _long_is_free(self) -> bool:
        return bool(self._long) and self._long_places > 0

    def _done(self) -> bool:
        return self._closed and not self._waiting and not self._long

    def _advance(self, request: _Request) -> bool:
        """Runs the next part of a long request; returns whether there are more."""
        try:
            if request.key is None:
                request.future.set_result(self._run([request])[0])
                return False
            start = len(request.parts) * self._max_batch_size
            end = min(start + self._max_batch_size, request.rows)
            part = {name: array[start:end] for name, array in request.inputs.items()}
            request.parts.append(self._run_rows(request, part, end - start))
            if end < request.rows:
                return True
            request.future.set_result(
                {name: np.concatenate([one[name] for one in request.parts]) for name in request.parts[0]}
            )
        except Exception as error:  # every error must reach the client
            request.future.set_exception(to_serving_error(error))
        return False

    def _answer(self, batch: Sequence[_Request]) -> None:
        try:
            answers = self._run(batch)
        except Exception as error:  # every error must reach the client
            if len(batch) > 1:  # one bad row must not fail the other requests
                for request in batch:
                    self._answer([request])
            else:
                batch[0].future.set_exception(to_serving_error(error))
            return
        for request, answer in zip(batch, answers, strict=True):
            request.future.set_result(answer)

    def _run(self, batch: Sequence[_Request]) -> list[dict[str, np.ndarray]]:
        first = batch[0]
        start = time.monotonic()
        if first.key is None:
            outputs = first.servable.run(first.signature, first.inputs)
            self._observe(1, time.monotonic() - start)
            return [outputs]
        inputs = {
            name: np.concatenate([request.inputs[name] for request in batch]) if len(batch) > 1 else array
            for name, array in first.inputs.items()
        }
        bounds = np.cumsum([request.rows for request in batch])
        outputs = self._run_rows(first, inputs, int(bounds[-1]))
        split = {name: np.split(array, bounds[:-1]) for name, array in outputs.items()}
        return [{name: pieces[index] for name, pieces in split.items()} for index in range(len(batch))]

    def _run_rows(self, request: _Request, inputs: Arrays, rows: int) -> dict[str, np.ndarray]:
        start = time.monotonic()
        outputs = request.servable.run(request.signature, inputs)
        self._observe(rows, time.monotonic() - start)
        if any(len(array) != rows for array in outputs.values()):
            raise ServingError(
                grpc.StatusCode.FAILED_PRECONDITION,
                "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes of "
                "the input tensors",
            )
        return outputs


def _rows_and_key(servable: Runner, signature: str, inputs: Arrays) -> tuple[int, Any]:
    if not servable.batches(signature) or not all(array.ndim for array in inputs.values()):
        return 1, None
    counts = {len(array) for array in inputs.values()}
    if len(counts) > 1:
        raise invalid("Batching Run() input tensors must have equal 0th-dimension size")
    shapes = tuple((name, array.dtype, array.shape[1:]) for name, array in sorted(inputs.items()))
    return counts.pop(), (id(servable), signature, shapes)


def _is_live(request: _Request) -> bool:
    if not request.parts and not request.future.set_running_or_notify_cancel():
        return False
    if time.monotonic() > request.deadline:
        request.future.set_exception(timed_out())
        return False
    return True
