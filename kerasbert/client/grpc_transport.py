"""TensorFlow Serving's gRPC interface."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from google.protobuf.message import DecodeError
from grpc import StatusCode
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from kerasbert.client.address import Address
from kerasbert.client.failure import (
    Failure,
    garbled,
    no_answer,
    reading_answer,
    unreachable,
    unreadable_authorities,
)
from kerasbert.client.signature import Signature
from kerasbert.errors import AddressError, ServerError

_BUSY = (StatusCode.UNAVAILABLE, StatusCode.RESOURCE_EXHAUSTED)
_REFUSED = (
    StatusCode.INVALID_ARGUMENT,
    StatusCode.FAILED_PRECONDITION,
    StatusCode.OUT_OF_RANGE,
    StatusCode.NOT_FOUND,
    StatusCode.UNIMPLEMENTED,
)
_UNREACHABLE = ("failed to connect", "errors resolving", "DNS resolution failed")
_FORBIDDEN = (StatusCode.UNAUTHENTICATED, StatusCode.PERMISSION_DENIED)
_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # The client itself waits between attempts.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
]


class GrpcTransport:
    """Talks to the gRPC port. It needs TensorFlow, which takes seconds to import.

    Args:
        address: an address with the scheme grpc or grpcs.
        headers: gRPC metadata of every request, with lower-case names.
    """

    def __init__(self, address: Address, headers: Mapping[str, str]):
        self._address = address
        self._metadata = list(headers.items())
        if address.scheme == "grpcs":
            authorities = os.environ.get("SSL_CERT_FILE")  # as over REST
            try:
                roots = Path(authorities).read_bytes() if authorities else None
            except OSError as error:
                raise unreadable_authorities(error) from error
            credentials = grpc.ssl_channel_credentials(roots)
            self._channel = grpc.secure_channel(address.host, credentials, _OPTIONS)
        else:
            self._channel = grpc.insecure_channel(address.host, _OPTIONS)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def signatures(self, timeout: float) -> Mapping[str, Any]:
        """Requests the metadata."""
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        answer = self._ask(self._stub.GetModelMetadata, request, timeout)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        try:
            answer.metadata["signature_def"].Unpack(signatures)
        except DecodeError as error:
            raise garbled(error) from error
        as_json = json_format.MessageToDict(signatures, preserving_proto_field_name=True)
        with reading_answer():
            return as_json["signature_def"]

    def labels(self, inputs: Sequence[str], timeout: float) -> tuple[str, ...]:
        """Classifies an empty example to get the names of the labels."""
        request = classification_pb2.ClassificationRequest()
        request.model_spec.signature_name = "classify"
        request.input.example_list.examples.add()
        answer = self._ask(self._stub.Classify, request, timeout)
        with reading_answer():
            return tuple(each.label for each in answer.result.classifications[0].classes)

    def predict(
        self, feeds: Mapping[str, Sequence[bytes]], signature: Signature, timeout: float
    ) -> Mapping[str, np.ndarray]:
        """Requests all outputs."""
        request = predict_pb2.PredictRequest()
        request.model_spec.signature_name = signature.name
        for name, values in feeds.items():
            tensor = tf.make_tensor_proto(values, tf.string, [len(values)])
            request.inputs[name].CopyFrom(tensor)
        answer = self._ask(self._stub.Predict, request, timeout)
        with reading_answer():
            return {name: tf.make_ndarray(tensor) for name, tensor in answer.outputs.items()}

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()

    def _ask(self, method: Callable[..., Any], request: Any, timeout: float) -> Any:
        request.model_spec.name = self._address.name
        if self._address.version is not None:
            request.model_spec.version.value = self._address.version
        if self._address.label is not None:
            request.model_spec.version_label = self._address.label
        try:
            return method(request, timeout=timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise _failure(error.code(), error.details() or "", timeout) from error


def _failure(code: StatusCode, details: str, timeout: float) -> Failure:
    if code == StatusCode.DEADLINE_EXCEEDED:
        return no_answer(timeout)
    if any(sign in details for sign in _UNREACHABLE):
        return unreachable(details.rpartition("last error: ")[2], again="handshake failed" not in details)
    reason = details or code.name
    if code == StatusCode.NOT_FOUND:
        reason = f"{reason}. Name a model and version that it serves"
    if code in _FORBIDDEN:
        return Failure(f"refuses the request: {reason}. Set KERASBERT_API_KEY", error=AddressError)
    if code in _REFUSED or "larger than max" in details:
        return Failure(f"refuses the request: {reason}", error=AddressError)
    if code in _BUSY:
        return Failure(f"is not available: {reason}", again=True)
    return Failure(f"failed: {reason}", error=ServerError)
