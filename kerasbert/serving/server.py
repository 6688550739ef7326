"""Runs the REST and gRPC servers in one process: start, signals, shutdown."""

import asyncio
import contextlib
import functools
import resource
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import uvicorn

from kerasbert.errors import UserError
from kerasbert.serving.backend import Backend
from kerasbert.serving.background import Background
from kerasbert.serving.batching import Batcher
from kerasbert.serving.connections import Connections
from kerasbert.serving.grpc_server import GrpcServer
from kerasbert.serving.http_protocol import TimeoutProtocol
from kerasbert.serving.inference import Inference
from kerasbert.serving.metrics import Metrics
from kerasbert.serving.models import Models
from kerasbert.serving.page import page_routes
from kerasbert.serving.rest import build_app
from kerasbert.serving.settings import Settings

_HEADERS = 64 * 1024  # bytes
_OTHER_FILES = 200
_SWITCH = 0.0005  # seconds that the event loop waits for a thread that reads a large body


def serve(
    directory: Path,
    name: str,
    host: str,
    rest_port: int,
    grpc_port: int,
    config_file: Path | None,
    ui: bool,
    settings: Settings,
    announce: Callable[[str], None],
) -> None:
    """Serves a model directory until SIGTERM or SIGINT.

    Args:
        directory: contains the versions.
        name: the name of the model in requests.
        host: the address to listen on.
        rest_port: port for REST; 0 picks a free one.
        grpc_port: port for gRPC; 0 picks a free one.
        config_file: versions and labels, like TensorFlow Serving's `--model_config_file`. None: the
            directory's own file.
        ui: whether to serve a web page for trying the model at `/`.
        settings: the limits.
        announce: called with the URLs once both servers are ready.

    Raises:
        UserError: a port is in use, or there is nothing to serve.
        KeyboardInterrupt: the server was stopped by SIGINT.
    """
    sys.setswitchinterval(_SWITCH)
    models = Models(directory, name, config_file, settings.poll_interval, settings.timeout)
    told: list[int] = []
    asyncio.run(_serve(models, host, rest_port, grpc_port, ui, settings, announce, told))
    if signal.SIGINT in told:
        raise KeyboardInterrupt("the requests in flight were answered")


async def _serve(
    models: Models,
    host: str,
    rest_port: int,
    grpc_port: int,
    ui: bool,
    settings: Settings,
    announce: Callable[[str], None],
    told: list[int],
) -> None:
    stopping = asyncio.Event()

    def stop_for(number: int) -> None:
        if not stopping.is_set():
            told.append(number)
            announce("Stopping after the requests in flight.")
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop_for, number)
    metrics = Metrics(models.name)
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(_listen(host, rest_port))
        batcher = Batcher(settings.max_batch_size, settings.queue_size, observe=metrics.run)
        stack.callback(batcher.close, settings.grace)
        inference = Inference(batcher, settings)
        background = Background()
        stack.callback(background.close)
        backend = Backend(models, inference, background, metrics, settings)
        services = GrpcServer(backend)
        grpc_port = services.listen(f"{_in_url(host)}:{grpc_port}")
        if not await _unless(stopping, models.start):
            return
        stack.callback(models.close)
        pages = page_routes(models.name) if ui else ()
        app = build_app(backend, pages)
        rest = uvicorn.Server(_uvicorn_config(app, _allow_connections(settings.max_connections), settings))
        await services.start()
        serving = asyncio.create_task(rest.serve(sockets=[listener]))
        while not rest.started and not serving.done():
            await asyncio.sleep(0.01)
        root, name = f"http://{_in_url(host)}:{listener.getsockname()[1]}/", quote(models.name, safe="")
        announce(
            f"Serving the model {models.name} for development (use TensorFlow Serving in production) at "
            f"{root}v1/models/{name} and grpc://{_in_url(host)}:{grpc_port}/{name}"
        )
        if ui:
            announce(f"Web page: {root}")
        stop = asyncio.create_task(stopping.wait())
        await asyncio.wait([serving, stop], return_when=asyncio.FIRST_COMPLETED)
        rest.should_exit = True
        await asyncio.gather(serving, services.stop(settings.grace))


async def _unless(stopping: asyncio.Event, function: Callable[[], None]) -> bool:
    """Runs a function on its own thread; returns False if the server was stopped meanwhile."""
    work = asyncio.create_task(asyncio.to_thread(function))
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait([work, stop], return_when=asyncio.FIRST_COMPLETED)
    if work.done():
        stop.cancel()
        work.result()
    return not stopping.is_set()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # asyncio disables Nagle's algorithm only if the socket's protocol is TCP.
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(1024)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise UserError(
            f"{host}:{port}: cannot be listened on ({error.strerror}). Choose another --rest-port or --host."
        ) from error
    return listener


def _allow_connections(most: int) -> int:
    """Raises the limit of open files if needed, and returns how many HTTP connections it allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * most + _OTHER_FILES  # as many again for gRPC
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return min(most, max((soft - _OTHER_FILES) // 2, 1))
    return most


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _uvicorn_config(app: Any, connections: int, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=functools.partial(TimeoutProtocol, Connections(connections)),  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=int(settings.client_timeout),
        timeout_graceful_shutdown=int(settings.grace),
        h11_max_incomplete_event_size=_HEADERS,
    )
