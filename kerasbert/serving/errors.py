"""Errors of requests: a gRPC status code and the HTTP status that belongs to it."""

import grpc

_HTTP_STATUS = {
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.UNAUTHENTICATED: 401,
}
_BY_NUMBER = {code.value[0]: code for code in grpc.StatusCode}
LONGEST_MESSAGE = 1024


class ServingError(Exception):
    """A request that cannot be answered.

    Args:
        code: the status code that TensorFlow Serving would use.
        message: shown to the client; truncated if very long.
        http_status: HTTP status of the REST response. None: derived from `code`.
    """

    def __init__(self, code: grpc.StatusCode, message: str, http_status: int | None = None):
        if len(message) > LONGEST_MESSAGE:
            message = message[:LONGEST_MESSAGE] + "...TRUNCATED"
        super().__init__(message)
        self.code = code
        self.message = message
        self.http_status = http_status or _HTTP_STATUS.get(code, 500)


def invalid(message: str) -> ServingError:
    """Returns the error of an invalid request."""
    return ServingError(grpc.StatusCode.INVALID_ARGUMENT, message)


def unavailable(message: str) -> ServingError:
    """Returns the error of an overloaded server."""
    return ServingError(grpc.StatusCode.UNAVAILABLE, message)


def timed_out() -> ServingError:
    """Returns the error of a request that timed out."""
    return ServingError(grpc.StatusCode.DEADLINE_EXCEEDED, "Timed out waiting for notification")


def to_serving_error(error: BaseException) -> ServingError:
    """Converts any error to a `ServingError`; TensorFlow's errors keep their code."""
    if isinstance(error, ServingError):
        return error
    code = _BY_NUMBER.get(getattr(error, "error_code", None), grpc.StatusCode.INTERNAL)
    return ServingError(code, getattr(error, "message", None) or str(error) or type(error).__name__)
