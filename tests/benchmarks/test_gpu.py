"""benchmarks/gpu.py on a machine without a GPU."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "gpu.py"


@pytest.fixture(scope="module")
def gpu() -> ModuleType:
    sys.path.insert(0, str(BENCHMARK.parent))
    try:
        spec = importlib.util.spec_from_file_location("gpu", BENCHMARK)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(BENCHMARK.parent))
    return module


def run(*options: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(BENCHMARK), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)


def test_every_case_has_a_name_of_its_own_and_a_small_one(gpu: ModuleType):
    names = [case.name for case in gpu.cases(tiny=False)]
    assert len(set(names)) == len(names) == len(gpu.cases(tiny=True))
    assert {case.model for case in gpu.cases(tiny=True)} == {"tiny"}
    kinds = {case.what for case in gpu.cases(tiny=False)}
    assert kinds == {"matmul", "train", "serve", "peer train", "peer serve"}


def test_the_share_of_the_peak_is_that_of_the_known_card(gpu: ModuleType):
    machine = {"device": "NVIDIA H200", "tflops": {"bfloat16": 700.0}}
    result = {"precision": "bfloat16", "operations_per_second": 197.8e12}
    gpu.add_shares(result, machine)
    assert (result["mfu"], result["share_of_matmul"]) == (0.2, 0.2826)
    gpu.add_shares(result, {**machine, "device": "another"})
    assert result["mfu"] is None


def test_operations_are_those_of_bert(gpu: ModuleType):
    """Six for each weight of the layers and token in training, and attention: 66 GFLOP for 128 tokens."""
    cases = importlib.import_module(gpu.Case.__module__)
    rates = cases.speeds(gpu.Case("train", "bert-base", 128), 2.0, [128], passes=3)
    weights, attention = 12 * (4 * 768**2 + 2 * 768 * 3072), 12 * 12 * 128**2 * 768
    assert rates["operations_per_second"] * 2 == 6 * weights * 128 + attention
    assert rates["tokens_per_second"] == 64


def test_without_a_gpu_it_says_so(tmp_path: Path):
    done = run("--output", str(tmp_path / "gpu.json"))
    assert done.returncode == 1
    assert done.stderr.startswith("no GPU that a CUDA driver knows")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize("what", ["train", "serve"])
def test_the_smallest_cases_run(what: str, tmp_path: Path):
    output, name = tmp_path / "gpu.json", f"{what} tiny 16 float32 vocabulary 300"
    done = run("--tiny", "--only", name, "--minutes", "20", "--output", str(output))
    assert done.returncode == 0, done.stderr
    saved = json.loads(output.read_text())
    assert saved["machine"]["device"] == "CPU"
    (ours,) = [case for case in saved["cases"] if case["name"] == name]
    parts = ours["requests"] if what == "serve" else [ours]
    for part in parts:
        assert part["tokens_per_second"] > part["sequences_per_second"] > 0
        assert part["mfu"] is None
    assert name in done.stdout


@pytest.mark.process
def test_what_the_time_does_not_allow_is_left_out(tmp_path: Path):
    output = tmp_path / "gpu.json"
    done = run("--tiny", "--minutes", "0.01", "--output", str(output))
    assert done.returncode == 1
    assert done.stderr == "the first case failed: left out: the time is up\n"
