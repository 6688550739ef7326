"""Checks of signatures and inputs, with TensorFlow Serving's error messages."""

from collections.abc import Collection
from typing import Any

import grpc
from google.protobuf import text_format

from kerasbert.serving.errors import ServingError, invalid


def check_classification(spec: Any) -> None:
    """Raises `ServingError` unless `spec` is a classification signature."""
    if len(spec.inputs) != 1:
        raise invalid("Expected one input Tensor.")
    if len(spec.outputs) not in (1, 2):
        raise invalid(f"Expected one or two output Tensors, found {len(spec.outputs)}")
    if "inputs" not in spec.inputs:
        raise _lacks("No classification inputs found in SignatureDef: ", spec)
    if not {"classes", "scores"} & set(spec.outputs):
        raise _lacks(
            'Expected classification signature outputs to contain at least one of "classes" or "scores". '
            "Signature was: ",
            spec,
        )


def check_regression(spec: Any) -> None:
    """Raises `ServingError` unless `spec` is a regression signature."""
    if len(spec.inputs) != 1:
        raise invalid("Expected one input Tensor.")
    if len(spec.outputs) != 1:
        raise invalid("Expected one output Tensor.")
    if "inputs" not in spec.inputs:
        raise _lacks("No regression inputs found in SignatureDef: ", spec)
    if "outputs" not in spec.outputs:
        raise _lacks("No regression outputs found in SignatureDef: ", spec)


def check_inputs(inputs: Collection[str], spec: Any) -> None:
    """Raises `ServingError` unless the inputs match those of a signature."""
    given, wanted = set(inputs), set(spec.inputs)
    if len(given) > len(wanted) or (len(given) < len(wanted) and not spec.defaults):
        extra, missing = sorted(given - wanted), sorted(wanted - given)
        raise invalid(
            f"input size does not match signature: {len(given)}!={len(wanted)} "
            f"len({{{_joined(given)}}}) != len({{{_joined(wanted)}}}). Sent extra: {{{_joined(extra)}}}. "
            f"Missing but required: {{{_joined(missing)}}}."
        )
    for name in sorted(wanted - given - set(spec.defaults)):
        raise invalid(
            f"Signature input alias: {name}(feed name: {spec.inputs[name].name}) not found in request and no "
            f"default value provided. Inputs expected to be in the request {{{_joined(given)}}}, or default "
            f"input alias set: {_joined(spec.defaults)}"
        )
    if given - wanted:
        raise invalid(
            f"Inputs contains invalid name. Used request inputs: {_joined(given & wanted)}, request input: "
            f"{_joined(given)}"
        )


def check_filter(output_filter: Collection[str], spec: Any) -> None:
    """Raises `ServingError` unless the requested outputs exist in a signature."""
    seen = set()
    for name in output_filter:
        if name not in spec.outputs:
            raise invalid(
                f"output tensor alias not found in signature: {name} Outputs expected to be in the set "
                f"{{{_joined(spec.outputs)}}}."
            )
        if name in seen:
            raise invalid(f"duplicate output tensor alias: {name}")
        seen.add(name)


def _lacks(message: str, spec: Any) -> ServingError:
    return ServingError(grpc.StatusCode.FAILED_PRECONDITION, message + text_format.MessageToString(spec))


def _joined(names: Collection[str]) -> str:
    return ",".join(sorted(names))
