"""Answers requests with a SavedModel: those of a file, or one line after another; see the package."""

import dataclasses
import json
import resource
import sys
from pathlib import Path
from typing import Any

from kerasbert.native.exchange import decode, encode
from kerasbert.native.session import NativeError, NativeSession, library_version


def main(model: str, *files: str) -> int:
    """Answers the requests of a file, or those that come in as lines."""
    try:
        if files:
            answer_file(model, *files)
        else:
            answer_lines(model)
    except NativeError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 1
    return 0


def answer_file(model: str, requests: str, answers: str) -> None:
    """Runs each request, `{"feeds": {tensor: array}, "fetches": [tensor]}`, and writes the answers.

    Also writes the version of the library and the memory of this process.
    """
    runtime = library_version()
    base = _peak_memory()
    session = NativeSession(model)
    result = [_answer(session, request) for request in json.loads(Path(requests).read_text(encoding="utf-8"))]
    memory = {"base": base, "peak": _peak_memory()}
    Path(answers).write_text(
        json.dumps({"answers": result, "runtime": runtime, "memory": memory}), encoding="utf-8"
    )


def answer_lines(model: str) -> None:
    """Prints the signatures, then the answer to each line, as JSON: the first early, the others slower."""
    session = NativeSession(model, optimize=False)
    signatures = {name: dataclasses.asdict(of) for name, of in session.signatures.items()}
    print(json.dumps(signatures), flush=True)
    for line in sys.stdin:
        print(json.dumps(_answer(session, json.loads(line))), flush=True)


def _answer(session: NativeSession, request: dict[str, Any]) -> list[dict[str, Any]]:
    feeds = {name: decode(value) for name, value in request["feeds"].items()}
    return [encode(array) for array in session.run(feeds, request["fetches"])]


def _peak_memory() -> int:
    """Returns the peak resident set size of this process, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux, getrusage includes the parent before exec
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(peak.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # on macOS in bytes


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
