"""The web page for trying a served model."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

_FILES = Path(__file__).parent / "page"
_HEADERS = {
    # Only our own files, and no framing: classified texts may be hostile.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def page_routes(model_name: str) -> list[Route]:
    """Returns the routes of the page, `/` and its assets.

    The page uses the REST interface of the same server: the metadata of the model, then `serving_default`,
    `classify` (for the names of the labels) and, if available, `explain`.

    Args:
        model_name: the name of the model in `/v1/models/NAME`.
    """

    async def setup(request: Request) -> Response:
        return JSONResponse({"model": model_name}, headers=_HEADERS)

    pages = {f"/{name}": _file(name) for name in ("page.css", "page.js", "files.js", "encoding.js", "say.js")}
    answers = {"/": _file("index.html"), "/page.json": setup, **pages}
    return [Route(path, answer) for path, answer in answers.items()]


def _file(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return FileResponse(_FILES / name, headers=_HEADERS)

    return answer
