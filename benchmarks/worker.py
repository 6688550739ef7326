"""Contenders of a benchmark, each in a process of its own."""

import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

Result = TypeVar("Result")


class Worker:
    """A script in a process of its own, which works when asked; see `answer_requests`.

    Args:
        script: the path of a Python file.
        options: its arguments.
    """

    def __init__(self, script: str, options: Sequence[str]):
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        command, pipe = [sys.executable, script, *options], subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment)

    def ask(self, what: Any) -> dict[str, Any]:
        """Returns what the worker answers, a JSON object."""
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(what), file=self._process.stdin, flush=True)
        for line in self._process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise SystemExit(f"a contender ended with status {self._process.wait()}")

    def end(self) -> None:
        """Lets it finish."""
        self._process.communicate()


def answer_requests(answer: Callable[[Any], dict[str, Any]]) -> None:
    """Answers each line that comes in; in the worker."""
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


def apart(function: Callable[..., Result], *arguments: Any) -> Result:
    """Returns what `function` returns in a process of its own, which leaves no memory behind."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        result = pool.apply(function, arguments)
        pool.close()
        pool.join()  # or it would be killed before it has cleaned up
    return result


def peak_memory() -> float:
    """Returns the largest resident size of this process so far in MiB."""
    # getrusage would count the parent too, from before this program was loaded.
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in status if line.startswith("VmHWM:")).split()[1]) / 1024
