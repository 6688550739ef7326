"""Answers a file of requests with a SavedModel; see the package."""

import json
import resource
import sys
from pathlib import Path

from kerasbert.native.exchange import decode, encode
from kerasbert.native.session import NativeError, NativeSession, library_version


def main(model: str, requests: str, answers: str) -> int:
    """Runs each request, `{"feeds": {tensor: array}, "fetches": [tensor]}`, and writes the answers.

    Also writes the version of the library and the memory of this process.
    """
    try:
        runtime = library_version()
        base = _peak_memory()
        session = NativeSession(model)
        result = [
            [
                encode(array)
                for array in session.run(
                    {name: decode(value) for name, value in request["feeds"].items()},
                    request["fetches"],
                )
            ]
            for request in json.loads(Path(requests).read_text(encoding="utf-8"))
        ]
    except NativeError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 1
    memory = {"base": base, "peak": _peak_memory()}
    Path(answers).write_text(
        json.dumps({"answers": result, "runtime": runtime, "memory": memory}), encoding="utf-8"
    )
    return 0


def _peak_memory() -> int:
    """Returns the peak resident set size of this process, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux, getrusage includes the parent before exec
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(peak.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # on macOS in bytes


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
