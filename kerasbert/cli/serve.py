"""kerasbert serve."""

from pathlib import Path

import click

_PORT, _AT_LEAST_ONE = click.IntRange(0, 65535), click.IntRange(min=1)


@click.command(context_settings={"show_default": True})
@click.argument("model_dir", type=click.Path(path_type=Path))
@click.option(
    "--name",
    help="What the model is called in requests. Default: as in models.config, else the directory's name.",
)
@click.option("--host", default="127.0.0.1", help="The address to listen at.")
@click.option("--rest-port", type=_PORT, default=8501, help="0: a free one.")
@click.option("--grpc-port", type=_PORT, default=8500, help="0: a free one.")
@click.option(
    "--model-config-file",
    type=click.Path(path_type=Path),
    help="Versions and labels to serve, as TensorFlow Serving's. Default: MODEL_DIR/serving/models.config.",
)
@click.option("--ui", is_flag=True, help="Also serve a page, at /, on which people try the model.")
@click.option("--max-batch-size", type=_AT_LEAST_ONE, default=64, help="Rows of one run of the model.")
@click.option(
    "--queue-size",
    type=_AT_LEAST_ONE,
    default=1000,
    help="Requests that may wait for a run; beyond it the answer is UNAVAILABLE.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    help="Seconds that a request may take.",
)
@click.option(
    "--explain-rows",
    type=click.IntRange(min=0),
    default=8,
    help="Rows of a request for `explain`, which costs up to 248 passes a row; 0 refuses it.",
)
@click.option(
    "--rest-api-enable-cors-support",
    is_flag=True,
    help="Let pages from anywhere ask by REST, as TensorFlow Serving's flag does.",
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
    """Serve the versions in MODEL_DIR over REST and gRPC, as TensorFlow Serving does.

    A stand-in for development and small deployments. It serves what `kerasbert versions` says, or the
    highest version where MODEL_DIR/serving/models.config is absent, and follows changes without a break.
    SIGTERM and Ctrl-C let the requests in flight finish.
    """
    from kerasbert.cli.startup import importing
    from kerasbert.extras import needs_extra

    with importing(), needs_extra("serve", "kerasbert serve"):
        from kerasbert.deployment import ServedVersions
        from kerasbert.serving import Settings
        from kerasbert.serving import serve as run

    import logging

    logging.basicConfig(format="%(message)s", level=logging.INFO)
    # They report clients' mistakes; asyncio with a traceback for each connection that was refused.
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
