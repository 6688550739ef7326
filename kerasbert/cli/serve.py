"""kerasbert serve."""

from pathlib import Path

import click

from kerasbert.cli.options import FiniteRange

_PORT, _AT_LEAST_ONE = click.IntRange(0, 65535), click.IntRange(min=1)


@click.command(context_settings={"show_default": True})
@click.argument("model_dir", type=click.Path(path_type=Path))
@click.option(
    "--name",
    help="Name of the model in requests. Default: the name in models.config, else the directory's name.",
)
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
@click.option("--rest-port", type=_PORT, default=8501, help="Port for REST; 0 picks a free one.")
@click.option("--grpc-port", type=_PORT, default=8500, help="Port for gRPC; 0 picks a free one.")
@click.option(
    "--model-config-file",
    type=click.Path(path_type=Path),
    help="Configuration file of TensorFlow Serving with the versions and labels to serve. Default: "
    "MODEL_DIR/serving/models.config.",
)
@click.option("--ui", is_flag=True, help="Also serve a web page, at /, for trying the model.")
@click.option(
    "--max-batch-size",
    type=_AT_LEAST_ONE,
    default=64,
    help="Maximum number of rows of one run of the model.",
)
@click.option(
    "--queue-size",
    type=_AT_LEAST_ONE,
    default=1000,
    help="Maximum number of waiting requests; further ones are answered with UNAVAILABLE.",
)
@click.option(
    "--timeout",
    type=FiniteRange(0, min_open=True),
    default=30.0,
    help="Timeout of a request in seconds.",
)
@click.option(
    "--explain-rows",
    type=click.IntRange(min=0),
    default=8,
    help="Maximum number of rows of an `explain` request, which needs up to 248 passes per row; 0 disables "
    "`explain`.",
)
@click.option(
    "--rest-api-enable-cors-support",
    is_flag=True,
    help="Allow REST requests from web pages of any origin, like the flag of TensorFlow Serving.",
)
def serve(
    model_dir: Path,
    name: str | None,
    host: str,
    rest_port: int,
    grpc_port: int,
    model_config_file: Path | None,
    ui: bool,
    max_batch_size: int,
    queue_size: int,
    timeout: float,
    explain_rows: int,
    rest_api_enable_cors_support: bool,
) -> None:
    """Serve the versions in MODEL_DIR over REST and gRPC, like TensorFlow Serving.

    This server is meant for development and small deployments. It serves the versions in
    MODEL_DIR/serving/models.config (see `kerasbert versions`), or the highest version if there is no such
    file, and reloads them when they change. On SIGTERM and Ctrl-C it finishes the requests in flight.
    """
    from kerasbert.cli.startup import importing
    from kerasbert.extras import needs_extra

    with importing(), needs_extra("serve", "kerasbert serve"):
        from kerasbert.deployment import ServedVersions
        from kerasbert.serving import Settings
        from kerasbert.serving import serve as run

    import logging

    logging.basicConfig(format="%(message)s", level=logging.INFO)
    # These libraries log clients' mistakes, asyncio with a traceback per rejected connection.
    for library in ("absl", "asyncio", "tensorflow", "uvicorn"):
        logging.getLogger(library).setLevel(logging.CRITICAL)
    settings = Settings(
        max_batch_size=max_batch_size,
        queue_size=queue_size,
        timeout=timeout,
        max_explained=explain_rows,
        cors=rest_api_enable_cors_support,
    )
    if not name:
        own = None if model_config_file else ServedVersions(model_dir)
        name = own.name if own and own.exists else model_dir.resolve().name
    run(model_dir, name, host, rest_port, grpc_port, model_config_file, ui, settings, click.echo)
