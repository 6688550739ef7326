"""Predict, classify and regress on one version of a model, for both REST and gRPC."""

import asyncio
import contextlib
import time
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import grpc
import numpy as np
from tensorflow_serving.apis import classification_pb2, regression_pb2

from kerasbert.serving.batching import Batcher
from kerasbert.serving.checks import check_classification, check_filter, check_inputs, check_regression
from kerasbert.serving.errors import ServingError, invalid, timed_out, unavailable
from kerasbert.serving.examples import examples_of, serialized_examples
from kerasbert.serving.servable import DEFAULT_SIGNATURE, Servable
from kerasbert.serving.settings import Settings
from kerasbert.serving.tensors import enum_name

Arrays = Mapping[str, np.ndarray]

_EXPLAIN = "explain"  # far more expensive than the other signatures


class Inference:
    """Checks inputs like TensorFlow Serving, and runs them in batches."""

    def __init__(self, batcher: Batcher, settings: Settings):
        self._batcher = batcher
        self._settings = settings
        self._in_work = 0

    @contextlib.contextmanager
    def admit(self) -> Iterator[None]:
        """Counts a complete request as in progress while the block runs.

        Raises:
            ServingError: too many requests are in progress.
        """
        if self._in_work >= self._settings.max_requests:
            raise unavailable("The server has too many requests in progress")
        self._in_work += 1
        try:
            yield
        finally:
            self._in_work -= 1

    def check_rows(self, signature: str, name: str, rows: int) -> None:
        """Raises `ServingError` if a request for `signature` has too many rows."""
        most = self._settings.max_explained if signature == _EXPLAIN else self._settings.max_rows
        if rows > most:
            asked = signature or DEFAULT_SIGNATURE
            raise invalid(f"{name} has {rows} rows; a request for {asked} may have {most}")

    def check_names(
        self, servable: Servable, signature: str, inputs: Collection[str], output_filter: Collection[str] = ()
    ) -> None:
        """Raises `ServingError` unless a version has the signature, and the signature these names."""
        signature = signature or DEFAULT_SIGNATURE
        if signature not in servable.signatures:
            raise ServingError(
                grpc.StatusCode.FAILED_PRECONDITION, f'Serving signature key "{signature}" not found.'
            )
        spec = servable.signatures[signature]
        check_inputs(inputs, spec)
        check_filter(output_filter, spec)

    async def predict(
        self,
        servable: Servable,
        signature: str,
        inputs: Arrays,
        output_filter: Collection[str] = (),
        timeout: float | None = None,
    ) -> dict[str, np.ndarray]:
        """Returns the outputs of a signature, sorted by name.

        Args:
            servable: the version.
            signature: the name; empty for the default.
            inputs: an array for each input.
            output_filter: the outputs to return; empty: all.
            timeout: seconds, at most the server's own timeout.

        Raises:
            ServingError: the request is invalid, timed out, or failed.
        """
        self.check_names(servable, signature, inputs, output_filter)
        outputs = await self._run(servable, signature or DEFAULT_SIGNATURE, inputs, timeout)
        return {name: outputs[name] for name in sorted(output_filter or outputs)}

    async def classify(
        self, servable: Servable, signature: str, examples: Any, timeout: float | None = None
    ) -> Any:
        """Returns the `ClassificationResult` of an `Input`."""
        check_classification(_find(servable, signature))
        outputs, rows = await self._run_examples(servable, signature, examples, timeout)
        return _classification(outputs, rows)

    async def regress(
        self, servable: Servable, signature: str, examples: Any, timeout: float | None = None
    ) -> Any:
        """Returns the `RegressionResult` of an `Input`."""
        check_regression(_find(servable, signature))
        outputs, rows = await self._run_examples(servable, signature, examples, timeout)
        return _regression(outputs["outputs"], rows)

    async def _run_examples(
        self, servable: Servable, signature: str, proto: Any, timeout: float | None
    ) -> tuple[dict[str, np.ndarray], int]:
        examples, context = examples_of(proto)
        self.check_rows(signature, "the input", len(examples))
        size = proto.ByteSize() + len(context) * len(examples)
        if size > self._settings.max_body:
            raise invalid(
                f"the examples have {size} bytes, including the context of each; this server accepts "
                f"{self._settings.max_body}"
            )
        serialized = serialized_examples(examples, context)
        outputs = await self._run(servable, signature or DEFAULT_SIGNATURE, {"inputs": serialized}, timeout)
        return outputs, len(serialized)

    async def _run(
        self, servable: Servable, signature: str, inputs: Arrays, timeout: float | None
    ) -> dict[str, np.ndarray]:
        self._check_sizes(signature, inputs)
        seconds = self._settings.timeout if timeout is None else min(timeout, self._settings.timeout)
        deadline = time.monotonic() + seconds
        future = self._batcher.submit(servable, signature, inputs, deadline, signature == _EXPLAIN)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), seconds)
        except TimeoutError:
            raise timed_out() from None

    def _check_sizes(self, signature: str, inputs: Arrays) -> None:
        limits = self._settings
        for name, array in inputs.items():
            if array.ndim:
                self.check_rows(signature, f"input {name}", len(array))
            if array.dtype == object and array.size:
                longest = max(map(len, array.ravel()))
                if longest > limits.max_text:
                    raise invalid(
                        f"input {name} has a string of {longest} bytes; this server accepts {limits.max_text}"
                    )


def _classification(outputs: Arrays, rows: int) -> Any:
    classes, scores = outputs.get("classes"), outputs.get("scores")
    for name, array, dtype in (("classes", classes, "DT_STRING"), ("scores", scores, "DT_FLOAT")):
        if array is None:
            continue
        if array.ndim != 2:
            raise invalid(f"Expected Tensor shape: [batch_size num_classes] but got {list(array.shape)}")
        if enum_name(array) != dtype:
            raise invalid(f"Expected {name} Tensor of {dtype}. Got: {enum_name(array)}")
        if len(array) != rows:
            raise invalid(f"Expected {name} output batch size of {rows}. Got: {len(array)}")
    if classes is not None and scores is not None and classes.shape != scores.shape:
        raise invalid(
            "Tensors class and score should match in dim_size(1). Got "
            f"{classes.shape[1]} vs. {scores.shape[1]}"
        )
    columns = next(iter(outputs.values())).shape[1]
    labels = [[""] * columns] * rows
    if classes is not None:
        labels = [[label.decode("utf-8", "replace") for label in row] for row in classes]
    numbers = np.zeros([rows, columns]) if scores is None else scores
    result = classification_pb2.ClassificationResult()
    for row, values in zip(labels, numbers.tolist(), strict=True):
        added = result.classifications.add()
        for label, score in zip(row, values, strict=True):
            added.classes.add(label=label, score=score)
    return result


def _regression(values: np.ndarray, rows: int) -> Any:
    if values.ndim != 1 and not (values.ndim == 2 and values.shape[1] == 1):
        raise invalid(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got "
            f"{list(values.shape)}"
        )
    if len(values) != rows:
        raise invalid(f"Input batch size did not match output batch size: {rows} vs. {len(values)}")
    if enum_name(values) != "DT_FLOAT":
        raise invalid(f"Expected output Tensor of DT_FLOAT.  Got: {enum_name(values)}")
    result = regression_pb2.RegressionResult()
    for value in values.ravel().tolist():
        result.regressions.add(value=value)
    return result


def _find(servable: Servable, signature: str) -> Any:
    name = signature or DEFAULT_SIGNATURE
    if name not in servable.signatures:
        raise invalid(f"No signature was found with the name: {name}")
    return servable.signatures[name]
