"""The REST interface, with TensorFlow Serving's paths, statuses and bodies."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import grpc
from google.protobuf import json_format
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send
from tensorflow_serving.apis import model_pb2

from kerasbert.layout import version_number
from kerasbert.serving import json_answer
from kerasbert.serving.backend import Backend
from kerasbert.serving.background import Steps
from kerasbert.serving.body import BodyReader
from kerasbert.serving.errors import ServingError, invalid, timed_out, to_serving_error
from kerasbert.serving.json_examples import example_input
from kerasbert.serving.json_reader import read_object
from kerasbert.serving.json_request import count_rows, predict_inputs, signature_name
from kerasbert.serving.metadata import signature_map, status_response
from kerasbert.serving.servable import DEFAULT_SIGNATURE, Servable

_LOG = logging.getLogger(__name__)
_WHERE = r"(?:(?:/versions/(?P<version>[0-9]+))|(?:/labels/(?P<label>[^/:]+)))?"
_POST = re.compile(rf"/v1/models/(?P<model>[^/:]+){_WHERE}:(?P<method>classify|regress|predict)", re.I)
_GET = re.compile(rf"/v1/models(?:/(?P<model>[^/:]+))?{_WHERE}(?:/(?P<metadata>metadata))?", re.I)
_CORS_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type",
}
_WEB_ORIGIN = re.compile("https?://")
_OPENAPI = Path(__file__).with_name("openapi.yaml")


def build_app(backend: Backend, extra_routes: Sequence[BaseRoute] = ()) -> Starlette:
    """Returns the ASGI application.

    Args:
        backend: its metrics are shown at `/monitoring/prometheus/metrics`.
        extra_routes: routes that take precedence, such as the web page.
    """

    def show_metrics(request: Request) -> Response:
        return Response(backend.metrics.page(), media_type="text/plain")

    def show_openapi(request: Request) -> Response:
        return FileResponse(_OPENAPI, media_type="application/yaml")

    app = Starlette(
        routes=[
            *extra_routes,
            Route("/monitoring/prometheus/metrics", show_metrics),
            Route("/openapi.yaml", show_openapi),
        ]
    )
    app.router.redirect_slashes = False
    app.router.default = _RestApi(backend)
    return app


class _RestApi:
    """Handles all requests below `/v1/`."""

    def __init__(self, backend: Backend):
        self._backend = backend
        self._bodies = BodyReader(backend.settings, backend.background)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        if self._backend.settings.cors:
            response.headers.update(_CORS_HEADERS)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = request.scope["raw_path"].decode("ascii", "replace")
        if not path.lower().startswith("/v1/"):
            return PlainTextResponse("Not Found\n", 404)
        try:
            text = await self._dispatch(request, path)
        except ServingError as error:
            return _json(json_answer.error_body(error), error.http_status)
        except ClientDisconnect:
            raise
        except UnicodeEncodeError:
            return _json(json_answer.error_body(invalid("a name in the request is not UTF-8")), 400)
        except Exception as error:
            _LOG.exception("%s %s", request.method, path)
            return _json(json_answer.error_body(to_serving_error(error)), 500)
        return _json(text)

    async def _dispatch(self, request: Request, path: str) -> str:
        if request.method == "OPTIONS":
            if not _WEB_ORIGIN.match(request.headers.get("origin", "")):
                raise ServingError(
                    grpc.StatusCode.FAILED_PRECONDITION, "Origin header is missing in CORS preflight"
                )
            return ""
        pattern = {"POST": _POST, "GET": _GET}.get(request.method)
        match = pattern.fullmatch(path) if pattern else None
        if match is None:
            raise invalid(f"Malformed request: {request.method} {path}")
        spec = _model_spec(match)
        if request.method == "POST":
            api = match["method"].lower()
            with self._backend.metrics.request(spec.name, api.capitalize(), "REST"):
                async with self._bodies.read(request) as body:
                    with self._backend.inference.admit():
                        return await self._in_time(getattr(self, f"_{api}")(spec, body))
        if not spec.name:
            raise invalid("Missing model name in request.")
        return self._metadata(spec) if match["metadata"] else self._status(spec)

    async def _in_time(self, answer: Coroutine[Any, Any, str]) -> str:
        """Applies the timeout to parsing the body and running the model."""
        try:
            async with asyncio.timeout(self._backend.settings.timeout):
                return await answer
        except TimeoutError:
            raise timed_out() from None

    async def _predict(self, spec: Any, body: bytes) -> str:
        size = len(body)
        background = self._backend.background
        document = await background.finish(size, read_object(body, self._backend.settings))
        name = signature_name(document)
        self._backend.inference.check_rows(name, "the body", count_rows(document))
        with self._backend.models.use(*requested_model(spec)) as servable:
            infos = _inputs_of(servable, name)
            inputs, as_rows = await background.finish(size, predict_inputs(document, infos))
            del document  # it may be large, and the run may take long
            outputs = await self._backend.inference.predict(servable, name, inputs)
        write = json_answer.predictions if as_rows else json_answer.columns
        size = sum(array.nbytes for array in outputs.values())
        return await background.run(size, write, outputs)

    async def _classify(self, spec: Any, body: bytes) -> str:
        return await self._of_examples(
            spec, body, self._backend.inference.classify, json_answer.classifications
        )

    async def _regress(self, spec: Any, body: bytes) -> str:
        return await self._of_examples(spec, body, self._backend.inference.regress, json_answer.regressions)

    async def _of_examples(
        self, spec: Any, body: bytes, run: Callable[..., Awaitable[Any]], write: Callable[[Any], str]
    ) -> str:
        background = self._backend.background
        name, examples = await background.finish(len(body), self._read_examples(body))
        with self._backend.models.use(*requested_model(spec)) as servable:
            result = await run(servable, name, examples)
        return await background.run(result.ByteSize(), write, result)

    def _read_examples(self, body: bytes) -> Steps[tuple[str, Any]]:
        document = yield from read_object(body, self._backend.settings)
        name = signature_name(document)
        return name, (yield from example_input(document))

    def _status(self, spec: Any) -> str:
        return f"{_proto_json(status_response(self._backend.models, spec))}\n"

    def _metadata(self, spec: Any) -> str:
        with self._backend.models.use(*requested_model(spec)) as servable:
            found = model_pb2.ModelSpec(name=spec.name)
            found.version.value = servable.version
            signatures = _proto_json(signature_map(servable))
        # The odd line breaks are TensorFlow Serving's.
        return (
            f'{{\n"model_spec":{_proto_json(found)}\n,\n"metadata": {{"signature_def": {signatures}\n}}\n}}\n'
        )


def requested_model(spec: Any) -> tuple[str, int | None, str | None]:
    """Returns the name, version and label in a `ModelSpec`."""
    choice = spec.WhichOneof("version_choice")
    return (
        spec.name,
        spec.version.value if choice == "version" else None,
        spec.version_label if choice == "version_label" else None,
    )


def _model_spec(match: re.Match[str]) -> Any:
    spec = model_pb2.ModelSpec(name=unquote(match["model"] or ""))
    if match["version"]:
        number = version_number(match["version"])
        if number is None:
            raise invalid(f"Failed to convert version: {match['version']} to numeric.")
        spec.version.value = number
    if match["label"]:
        spec.version_label = unquote(match["label"])
    return spec


def _inputs_of(servable: Servable, signature: str) -> Any:
    name = signature or DEFAULT_SIGNATURE
    if name not in servable.signatures:
        raise invalid(f'Serving signature name: "{name}" not found in signature def')
    inputs = servable.signatures[name].inputs
    if not inputs:
        raise invalid(f"Failed to get input map for signature: {signature or 'DEFAULT'}")
    return inputs


def _proto_json(message: Any) -> str:
    return json_format.MessageToJson(
        message, indent=1, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def _json(text: str, status: int = 200) -> Response:
    return Response(text.encode("utf-8", "surrogateescape"), status, media_type="application/json")
