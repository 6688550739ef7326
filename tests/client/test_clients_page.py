"""The examples of docs/clients.md run as they stand, against servers at other ports."""

import contextlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "clients.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def example(served_model_class, exported, run_rest, run_grpc):
    """Gives the code blocks of a language, with the ports of running servers."""
    model = served_model_class(exported, "sentiment")
    with contextlib.ExitStack() as stack:
        rest, grpc = (stack.enter_context(run(model)) for run in (run_rest, run_grpc))

        def blocks(language: str) -> list[str]:
            found = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
            return [code.replace(":8501", f":{rest}").replace(":8500", f":{grpc}") for code in found]

        yield blocks


def test_python_prints_labels(example, capsys):
    codes = example("python")
    assert len(codes) == 2
    for code in codes:
        exec(compile(code, "docs/clients.md", "exec"), {})
    out = capsys.readouterr().out
    assert "('negative', 'positive')" in out
    assert len(re.findall(r"b'(?:negative|positive)'", out)) == 3


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
def test_curl_gets_an_answer(example):
    (command,) = example("sh")
    answer = subprocess.run(command, shell=True, capture_output=True, check=True, timeout=60)
    assert json.loads(answer.stdout)["outputs"]["label"][0] in ("negative", "positive")
