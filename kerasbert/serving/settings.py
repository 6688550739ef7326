"""What a server takes, and how long it waits."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """The limits of a server. Ports and names are arguments of what uses them."""

    max_batch_size: int = 64  # rows of one run of the model
    queue_size: int = 1000  # requests that wait for a run; beyond it: UNAVAILABLE
    timeout: float = 30.0  # seconds for a request, as TensorFlow Serving's --rest_api_timeout_in_ms
    max_body: int = 16 * 1024 * 1024  # bytes of a request, unpacked
    max_bodies: int = 128 * 1024 * 1024  # bytes of all requests in work
    max_rows: int = 4096  # of one request
    max_explained: int = 8  # rows of a request for `explain`, up to 248 passes each; 0: refused
    max_text: int = 100_000  # bytes of one string
    max_connections: int = 1000  # beyond it: 503
    patience: float = 10.0  # seconds for a client to send its request
    grace: float = 10.0  # seconds for requests to finish when the server stops
    poll_interval: float = 1.0  # seconds between looks at the model directory
