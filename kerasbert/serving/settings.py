"""What a server takes, and how long it waits."""

from dataclasses import dataclass

VALUES_OF_A_FIELD = 8  # reading it takes as long as so many plain values


@dataclass(frozen=True)
class Settings:
    """The limits of a server. Ports and names are arguments of what uses them."""

    max_batch_size: int = 64  # rows of one run of the model
    queue_size: int = 1000  # requests that wait for a run; beyond it: UNAVAILABLE
    timeout: float = 30.0  # seconds for a request, as TensorFlow Serving's --rest_api_timeout_in_ms
    max_body: int = 16 * 1024 * 1024  # bytes of a request, unpacked
    max_bodies: int = 256 * 1024 * 1024  # bytes of all requests in work, and of what is read from them
    max_rows: int = 4096  # of one request
    max_values: int = 1024 * 1024  # of one request, where they are plain ones in long lists
    max_explained: int = 8  # rows of a request for `explain`, up to 248 passes each; 0: refused
    max_text: int = 100_000  # bytes of one string
    max_requests: int = 1000  # in work; beyond it: UNAVAILABLE
    max_connections: int = 4000  # open at once; beyond it the longest idle one is closed
    cors: bool = False  # let pages from anywhere ask, as TensorFlow Serving's --rest_api_enable_cors_support
    patience: float = 10.0  # seconds for a client to send its request
    grace: float = 10.0  # seconds for requests to finish when the server stops
    poll_interval: float = 1.0  # seconds between looks at the model directory

    @property
    def max_fields(self) -> int:
        """How many values of other kinds a request may have, and fields of a gRPC message."""
        return self.max_values // VALUES_OF_A_FIELD
