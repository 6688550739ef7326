"""The gRPC interface: TensorFlow Serving's prediction and model services."""

import functools
import math
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import numpy as np
from google.protobuf import any_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    inference_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from kerasbert.serving.backend import Backend
from kerasbert.serving.errors import ServingError, invalid, to_serving_error
from kerasbert.serving.metadata import signature_map, status_response
from kerasbert.serving.models import Models
from kerasbert.serving.rest import requested_model
from kerasbert.serving.servable import DEFAULT_SIGNATURE, Servable
from kerasbert.serving.tensors import declared, to_array, to_proto

_CLASSIFY = "tensorflow/serving/classify"
_REGRESS = "tensorflow/serving/regress"
_Method = Callable[[Any, Any, Any], Awaitable[Any]]


def _answering(method: _Method) -> _Method:
    """Makes a status of what a method raises: never a traceback to the client."""

    @functools.wraps(method)
    async def answer(service: Any, request: Any, context: Any) -> Any:
        try:
            return await method(service, request, context)
        except Exception as error:
            failure = to_serving_error(error)
        await context.abort(failure.code, failure.message)

    return answer


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict, Classify, Regress, MultiInference and GetModelMetadata."""

    def __init__(self, backend: Backend):
        self._backend = backend

    @_answering
    async def Predict(self, request: Any, context: Any) -> Any:  # noqa: N802 - named by the protocol
        """Answers a `PredictRequest`."""
        with (
            self._backend.metrics.request(request.model_spec.name, "Predict", "GRPC"),
            self._use(request) as servable,
        ):
            signature = request.model_spec.signature_name
            inference = self._backend.inference
            inference.check_names(servable, signature, request.inputs, request.output_filter)
            size = request.ByteSize()
            tensors = {name: declared(name, proto) for name, proto in request.inputs.items()}
            servable.check(signature or DEFAULT_SIGNATURE, tensors)
            for name, (_, shape) in tensors.items():
                if shape:
                    inference.check_rows(signature, f"input {name}", shape[0])
                size += math.prod(shape)  # one value may fill the whole tensor
            inputs = await self._backend.background.run(size, _arrays, request.inputs)
            outputs = await inference.predict(
                servable,
                signature,
                inputs,
                request.output_filter,
                context.time_remaining(),
            )
            response = predict_pb2.PredictResponse()
            _fill_spec(response.model_spec, request.model_spec, servable)
        size = sum(array.nbytes for array in outputs.values())
        await self._backend.background.run(size, _fill_outputs, response, outputs)
        return response

    @_answering
    async def Classify(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Answers a `ClassificationRequest`."""
        return await self._alone("Classify", request, classification_pb2.ClassificationResponse(), context)

    @_answering
    async def Regress(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Answers a `RegressionRequest`."""
        return await self._alone("Regress", request, regression_pb2.RegressionResponse(), context)

    @_answering
    async def MultiInference(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Answers a `MultiInferenceRequest`."""
        names: set[str] = set()
        for task in request.tasks:
            if not task.model_spec.name:
                raise invalid("Found ModelSpec with an empty model name.")
            if task.model_spec.name != request.tasks[0].model_spec.name:
                raise invalid("All ModelSpecs in a MultiInferenceRequest must access the same model name.")
            signature = task.model_spec.signature_name or DEFAULT_SIGNATURE
            if signature in names:
                raise invalid(f"Duplicate evaluation of signature: {signature}")
            names.add(signature)
            if task.method_name not in (_CLASSIFY, _REGRESS):
                raise ServingError(
                    grpc.StatusCode.UNIMPLEMENTED,
                    f"Unsupported signature method_name: {task.method_name}",
                )
        response = inference_pb2.MultiInferenceResponse()
        for task in request.tasks:
            result = response.results.add()
            await self._examples(task.method_name, task, request.input, result, context)
        return response

    @_answering
    async def GetModelMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Answers a `GetModelMetadataRequest`."""
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        if not request.metadata_field:
            raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != "signature_def":
                raise invalid(f"Metadata field {field} is not supported")
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        with self._use(request) as servable:
            response.model_spec.name = request.model_spec.name
            response.model_spec.version.value = servable.version
            packed = any_pb2.Any()
            packed.Pack(signature_map(servable))
        response.metadata["signature_def"].CopyFrom(packed)
        return response

    def _use(self, request: Any) -> Any:
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        if not request.model_spec.name:
            raise invalid("ModelSpec has no name specified.")
        return self._backend.models.use(*requested_model(request.model_spec))

    async def _alone(self, name: str, request: Any, response: Any, context: Any) -> Any:
        """Returns the filled response to a request for one signature; `name` is that of the method."""
        with self._backend.metrics.request(request.model_spec.name, name, "GRPC"):
            method = f"tensorflow/serving/{name.lower()}"
            await self._examples(method, request, request.input, response, context)
        return response

    async def _examples(self, method: str, request: Any, examples: Any, response: Any, context: Any) -> None:
        """Fills in a response, or a result of MultiInference, whose field names differ."""
        many = isinstance(response, inference_pb2.InferenceResult)
        with self._use(request) as servable:
            signature, seconds = request.model_spec.signature_name, context.time_remaining()
            if method == _CLASSIFY:
                field = "classification_result" if many else "result"
                result = await self._backend.inference.classify(servable, signature, examples, seconds)
            else:
                field = "regression_result" if many else "result"
                result = await self._backend.inference.regress(servable, signature, examples, seconds)
            getattr(response, field).CopyFrom(result)
            _fill_spec(response.model_spec, request.model_spec, servable)


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """GetModelStatus. Versions and labels are changed through the file, not by requests."""

    def __init__(self, models: Models):
        self._models = models

    @_answering
    async def GetModelStatus(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Answers a `GetModelStatusRequest`."""
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        return status_response(self._models, request.model_spec)

    async def HandleReloadConfigRequest(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Rejects the request: the server reloads the file by itself."""
        await context.abort(
            grpc.StatusCode.UNIMPLEMENTED,
            "This server takes versions and labels from --model-config-file, which it reloads when it "
            "changes.",
        )


def _arrays(inputs: Any) -> dict[str, np.ndarray]:
    return {name: to_array(name, proto) for name, proto in inputs.items()}


def _fill_outputs(response: Any, outputs: dict[str, np.ndarray]) -> None:
    for name, array in outputs.items():
        response.outputs[name].CopyFrom(to_proto(array))


def _fill_spec(target: Any, asked: Any, servable: Servable) -> None:
    target.name = asked.name
    target.signature_name = asked.signature_name or DEFAULT_SIGNATURE
    target.version.value = servable.version
