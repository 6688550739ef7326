"""The limits and timeouts of a server."""

from dataclasses import dataclass

VALUES_OF_A_FIELD = 8  # parsing a field takes as long as this many plain values


@dataclass(frozen=True)
class Settings:
    """The limits and timeouts of a server."""

    max_batch_size: int = 64  # rows of one run of the model
    queue_size: int = 1000  # waiting requests; above it: UNAVAILABLE
    timeout: float = 30.0  # seconds for a request, like TensorFlow Serving's --rest_api_timeout_in_ms
    max_body: int = 16 * 1024 * 1024  # bytes of a request, decompressed
    max_bodies: int = 256 * 1024 * 1024  # bytes of all requests in progress, including parsed values
    max_rows: int = 4096  # rows of one request
    max_values: int = 1024 * 1024  # plain values in long lists of one request
    max_explained: int = 8  # rows of an `explain` request, with up to 248 passes each; 0: rejected
    max_text: int = 400_000  # bytes of one string: 100,000 characters of any kind
    max_requests: int = 1000  # requests in progress; above it: UNAVAILABLE
    max_connections: int = 4000  # open connections; above it the longest idle one is closed
    cors: bool = False  # allow any origin, like TensorFlow Serving's --rest_api_enable_cors_support
    client_timeout: float = 10.0  # seconds for a client to send its request
    grace: float = 10.0  # seconds for requests to finish when the server stops
    poll_interval: float = 1.0  # seconds between checks of the model directory

    @property
    def max_fields(self) -> int:
        """Maximum number of other values of a request, and of fields of a gRPC message."""
        return self.max_values // VALUES_OF_A_FIELD
