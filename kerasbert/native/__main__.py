"""Answers a file of requests with a SavedModel; see the package."""

import json
import sys
from pathlib import Path

from kerasbert.native.exchange import decode, encode
from kerasbert.native.session import NativeError, NativeSession


def main(model: str, requests: str, answers: str) -> int:
    """Runs each request, `{"feeds": {tensor: array}, "fetches": [tensor]}`, and writes the answers."""
    try:
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
    Path(answers).write_text(json.dumps(result), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
