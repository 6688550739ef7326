"""The gRPC server: TensorFlow Serving's services, health and reflection."""

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
from google.protobuf import message_factory
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from tensorflow_serving.apis import model_service_pb2, prediction_service_pb2

from kerasbert.errors import UserError
from kerasbert.serving.backend import Backend
from kerasbert.serving.errors import ServingError, invalid, timed_out, unavailable
from kerasbert.serving.proto_reader import read_message
from kerasbert.serving.services import ModelService, PredictionService

_PREDICTION = prediction_service_pb2.DESCRIPTOR.services_by_name["PredictionService"]
_MODEL = model_service_pb2.DESCRIPTOR.services_by_name["ModelService"]
_RUNS = ("Predict", "Classify", "Regress", "MultiInference")  # what takes a place among the requests in work
_MOST_STREAMS = 100  # of health checks and reflection, which may stay open indefinitely
_MINUTE = 60_000  # milliseconds


class GrpcServer:
    """The gRPC server.

    Args:
        backend: shared with the REST server.
    """

    def __init__(self, backend: Backend):
        self._backend, settings = backend, backend.settings
        self._server = grpc.aio.server(
            interceptors=[_StreamLimit()],
            options=[
                ("grpc.so_reuseport", 0),  # a taken port must be an error
                ("grpc.max_receive_message_length", settings.max_body),
                ("grpc.max_concurrent_streams", settings.max_requests),
                ("grpc.server_handshake_timeout_ms", int(settings.client_timeout * 1000)),
                ("grpc.max_connection_idle_ms", 5 * _MINUTE),
                ("grpc.keepalive_time_ms", _MINUTE),
                ("grpc.keepalive_timeout_ms", int(settings.client_timeout * 1000)),
            ],
        )
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._add(_PREDICTION, PredictionService(backend))
        self._add(_MODEL, ModelService(backend.models))
        names = (_PREDICTION.full_name, _MODEL.full_name, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)

    def listen(self, address: str) -> int:
        """Binds a port and returns its number.

        Args:
            address: `HOST:PORT`; port 0 picks a free one.

        Raises:
            UserError: the port is in use.
        """
        try:
            return self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise UserError(
                f"{address}: cannot be listened on. Choose another --grpc-port or --host."
            ) from error

    async def start(self) -> None:
        """Starts serving."""
        await self._server.start()
        for service in (_PREDICTION, _MODEL):
            for name in (service.name, service.full_name):  # TensorFlow Serving uses the short names
                await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def stop(self, grace: float) -> None:
        """Finishes requests in flight, for at most `grace` seconds."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace)

    def _add(self, service: Any, servicer: Any) -> None:
        handlers = {
            # As a stream of which one message is read: gRPC has no timeout for receiving a unary request.
            method.name: grpc.stream_unary_rpc_method_handler(
                self._reading(
                    message_factory.GetMessageClass(method.input_type), getattr(servicer, method.name)
                ),
                response_serializer=lambda message: message.SerializeToString(),
            )
            for method in service.methods
            if not method.server_streaming
        }
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service.full_name, handlers),)
        )

    def _reading(self, kind: Any, answer: Callable[[Any, Any], Awaitable[Any]]) -> Any:
        """Returns a handler that parses the bytes of a request within limits."""
        settings = self._backend.settings

        async def handle(messages: AsyncIterator[bytes], context: Any) -> Any:
            with contextlib.ExitStack() as stack:
                try:
                    content = await asyncio.wait_for(anext(messages), settings.client_timeout)
                    async with asyncio.timeout(settings.timeout):
                        steps = read_message(kind, content, settings.max_fields)
                        request = await self._backend.background.finish(len(content), steps)
                    if answer.__name__ in _RUNS:
                        stack.enter_context(self._backend.inference.admit())
                except TimeoutError:
                    failure = timed_out()
                except StopAsyncIteration:
                    failure = invalid("the call ended without a request")
                except ServingError as error:
                    failure = error
                else:
                    return await answer(request, context)
                await context.abort(failure.code, failure.message)

        return handle


class _StreamLimit(grpc.aio.ServerInterceptor):
    """Limits the number of open streams."""

    _open = 0

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        """Counts the open calls of methods that respond with a stream."""
        handler = await continuation(handler_call_details)
        if handler is None or not handler.response_streaming:
            return handler
        inner = handler.stream_stream or handler.unary_stream

        async def counted(request: Any, context: Any) -> None:
            if self._open >= _MOST_STREAMS:
                failure = unavailable("The server has too many streams open")
                await context.abort(failure.code, failure.message)
            self._open += 1
            try:
                responses = inner(request, context)
                if inspect.isawaitable(responses):  # it writes by itself
                    await responses
                else:
                    async for response in responses:
                        await context.write(response)
            finally:
                self._open -= 1

        make = (
            grpc.stream_stream_rpc_method_handler
            if handler.request_streaming
            else grpc.unary_stream_rpc_method_handler
        )
        return make(counted, handler.request_deserializer, handler.response_serializer)
