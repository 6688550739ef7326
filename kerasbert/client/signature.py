"""The signatures of a served model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasbert.client.failure import Failure, reading_answer
from kerasbert.errors import AddressError

_DTYPES: dict[str, Any] = {
    "DT_STRING": object, "DT_BOOL": np.bool_, "DT_FLOAT": np.float32, "DT_DOUBLE": np.float64,
    "DT_INT32": np.int32, "DT_INT64": np.int64,
}  # fmt: skip
_OURS = {"label": "DT_STRING", "label_id": "DT_INT64", "score": "DT_FLOAT", "probabilities": "DT_FLOAT"}


@dataclass(frozen=True)
class Output:
    """An output of a signature.

    Attributes:
        dtype: the NumPy data type; object for bytes.
        row: the shape of one row; -1 for unknown sizes.
    """

    dtype: np.dtype
    row: tuple[int, ...]


@dataclass(frozen=True)
class Signature:
    """A signature of a model that kerasbert exported.

    Attributes:
        name: `serving_default`, `explain` or `embed`.
        inputs: `text`, and `pair` for a model of pairs; `explain` also takes `label`.
        outputs: the outputs by name.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: Mapping[str, Output]

    @classmethod
    def parse(cls, signatures: Mapping[str, Any]) -> "Signature":
        """Parses `serving_default` from the JSON form of a `SignatureDefMap`.

        Raises:
            Failure: the model was not exported by kerasbert.
        """
        with reading_answer():
            return cls._parse(signatures)

    @classmethod
    def parse_other(cls, signatures: Mapping[str, Any], name: str, remedy: str) -> "Signature":
        """Parses another signature from the JSON form of a `SignatureDefMap`.

        Args:
            signatures: the map.
            name: `explain` or `embed`.
            remedy: what to do if the model has no such signature.

        Raises:
            Failure: it has none.
        """
        with reading_answer():
            if name not in signatures:
                raise Failure(f"serves a model without the signature `{name}`. {remedy}", error=AddressError)
            inputs = signatures[name]["inputs"]
            known = tuple(each for each in ("text", "pair", "label") if each in inputs)
            return cls(name, known, _outputs(signatures[name]))

    @classmethod
    def _parse(cls, signatures: Mapping[str, Any]) -> "Signature":
        serving = signatures.get("serving_default", {})
        inputs, outputs = serving.get("inputs", {}), serving.get("outputs", {})
        ours = all(outputs.get(name, {}).get("dtype") == dtype for name, dtype in _OURS.items())
        strange = [name for name, output in outputs.items() if output["dtype"] not in _DTYPES]
        if (
            set(inputs) not in ({"text"}, {"text", "pair"})
            or not ours
            or strange
            or "classify" not in signatures
        ):
            raise Failure(
                "must be a model that kerasbert exported: text to label, label_id, score and probabilities. "
                f"Received: {_names(inputs)} to {_names(outputs)}",
                error=AddressError,
            )
        return cls(
            name="serving_default",
            inputs=("text", "pair") if "pair" in inputs else ("text",),
            outputs=_outputs(serving),
        )

    def check(self, outputs: Mapping[str, np.ndarray], batch: int) -> dict[str, np.ndarray]:
        """Returns the outputs of a batch after checking them against the signature."""
        result = {}
        for name, output in self.outputs.items():
            array, wanted = outputs.get(name), (batch, *output.row)
            if array is None or array.dtype != output.dtype or not _fits(array.shape, wanted):
                found = "nothing" if array is None else f"{array.dtype} {list(array.shape)}"
                raise Failure(
                    f"sends outputs that do not match its signature ({name}: {output.dtype} {list(wanted)}. "
                    f"Received: {found}). If it serves a new version, open the model again"
                )
            result[name] = array
        with reading_answer():
            for label in result.get("label", ()):
                label.decode()
        return result

    def check_labels(self, labels: tuple[str, ...]) -> tuple[str, ...]:
        """Returns the labels of the model if `probabilities` has as many."""
        row = self.outputs["probabilities"].row
        if not _fits((len(labels),), row):
            raise Failure(
                f"sends labels that do not match its signature ({len(labels)} labels, probabilities "
                f"{[-1, *row]}). If it serves a new version, open the model again"
            )
        return labels

    def join(self, parts: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """Concatenates the outputs of consecutive batches; without any, returns empty outputs.

        Rows that are narrower than those of another batch are padded with "" or 0.
        """
        empty = {
            name: np.empty((0, *(max(size, 0) for size in output.row)), output.dtype)
            for name, output in self.outputs.items()
        }
        return {name: _join([part[name] for part in parts or [empty]]) for name in self.outputs}


def _outputs(signature: Mapping[str, Any]) -> dict[str, Output]:
    return {
        name: Output(np.dtype(_DTYPES[output["dtype"]]), _row_shape(output["tensor_shape"]))
        for name, output in signature["outputs"].items()
    }


def _join(arrays: Sequence[np.ndarray]) -> np.ndarray:
    shape = [max(sizes) for sizes in zip(*(array.shape[1:] for array in arrays), strict=True)]
    nothing = b"" if arrays[0].dtype == object else 0
    padded = []
    for array in arrays:
        margins = [(0, size - own) for size, own in zip(shape, array.shape[1:], strict=True)]
        padded.append(
            np.pad(array, [(0, 0), *margins], constant_values=nothing) if any(map(any, margins)) else array
        )
    return np.concatenate(padded)


def _row_shape(shape: Mapping[str, Any]) -> tuple[int, ...]:
    return tuple(int(dim["size"]) for dim in shape["dim"][1:])


def _fits(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        size in (-1, found) for found, size in zip(shape, wanted, strict=True)
    )


def _names(tensors: Mapping[str, Any]) -> str:
    return ", ".join(sorted(tensors)) or "nothing"
