"""Responses about a model: the status of its versions and its signatures."""

from typing import Any

from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from kerasbert.serving.models import Models
from kerasbert.serving.servable import Servable


def status_response(models: Models, spec: Any) -> Any:
    """Returns the `GetModelStatusResponse`; labels are ignored, as in TensorFlow Serving.

    Raises:
        ServingError: the model or version is unknown.
    """
    version = spec.version.value if spec.WhichOneof("version_choice") == "version" else None
    response = get_model_status_pb2.GetModelStatusResponse()
    for number, status in models.statuses(spec.name, version).items():
        added = response.model_version_status.add(version=number, state=status.state)
        added.status.error_code = status.error.code.value[0] if status.error else 0
        added.status.error_message = status.error.message if status.error else ""
    return response


def signature_map(servable: Servable) -> Any:
    """Returns the signatures as a `SignatureDefMap`."""
    result = get_model_metadata_pb2.SignatureDefMap()
    for name, signature in servable.signatures.items():
        result.signature_def[name].CopyFrom(signature)
    return result
