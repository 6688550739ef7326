"""How fast a GPU trains and serves BERT, beside Transformers: one command, no network, eight minutes at most.

    pip install 'kerasbert[gpu]'            # TensorFlow with CUDA's libraries; the driver is the machine's
    pip install torch transformers          # optional: the peer
    kerasbert doctor                        # names what the machine lacks
    python benchmarks/gpu.py [--minutes 8] [--output gpu.json] [--only TEXT] [--list] [--tiny]

Each case is a process of its own, the most important first, and takes a quarter of the time at most. The
results are saved after each one, so that what the end of the time cuts off is only what comes last. All
weights are random and made in memory; rows are random too, of lengths between a quarter of the longest and
the longest, or all as long (`full`).

- train: `kerasbert train`'s own path: planned batches of at most 16,384 tokens, packed rows, AdamW; `xla` is
  training.jit_compile. The first pass over the batches traces and compiles, three more are timed.
- serve: strings to labels, by TensorFlow's C API from the exported graph, in requests of 1, 32 and 256.
- peer train, peer serve: BertForSequenceClassification with SDPA and torch.compile(dynamic=True), fused
  AdamW, autocast, rows grouped by length and padded to the longest of their batch. It serves token ids, not
  strings.

Prints and saves real tokens and sequences a second, and the share of the card's peak (MFU): operations on
real tokens, three times those of the forward pass in training (Korthikanti et al. 2022), over the dense peak
of the datasheet and over a large matrix product measured here. They are counted for all layers and tokens on
both sides, though kerasbert computes the last layer for [CLS] alone. float32 is TF32 where the card has it.

`--tiny` takes small sizes, to try it without a GPU, where compiling the peer may take minutes; `--only` runs
the cases whose name begins with a text, such as "train bert-base 128".
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from gpu_cases import Case, work

# Dense TFLOP/s of the datasheets; float32 is TF32.
PEAKS = {
    "H200": {"bfloat16": 989.0, "float32": 494.5},
    "H100 80GB HBM3": {"bfloat16": 989.0, "float32": 494.5},
    "A100": {"bfloat16": 312.0, "float32": 156.0},
}
LEFT_OUT = {"error": "left out: the time is up"}


def cases(tiny: bool) -> list[Case]:
    """Returns all cases, the most important first."""
    base, small, short, long = ("tiny", "tiny", 16, 32) if tiny else ("bert-base", "bundled", 128, 512)
    usual, own, large = (300, 400, 900) if tiny else (21_128, 14_000, 250_000)
    wanted: list[tuple[tuple[str, ...], Case]] = [
        (("train", "train xla"), Case("", base, short, vocabulary=usual, full=True)),
        (
            ("train", "serve", "peer train", "peer serve", "train xla"),
            Case("", base, short, vocabulary=usual),
        ),
        (("train", "peer train", "serve"), Case("", base, long, vocabulary=usual)),
        (("train", "peer train", "serve"), Case("", base, short, "float32", usual)),
        (("train", "serve"), Case("", base, short, vocabulary=large)),
        (("train", "train xla", "peer train", "serve"), Case("", small, short, vocabulary=own)),
        (("train xla",), Case("", base, long, vocabulary=usual)),
        (("peer train",), Case("", base, short, vocabulary=large)),
        (("train",), Case("", base, long, "float32", usual)),
    ]
    found = [Case("matmul", base, 0)]
    for kinds, case in wanted:
        found += [replace(case, what=kind.removesuffix(" xla"), xla=kind.endswith(" xla")) for kind in kinds]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=8.0, help="after which all ends")
    parser.add_argument("--output", type=Path, default=Path("gpu.json"))
    parser.add_argument("--only", default="", metavar="TEXT", help="cases whose name begins with it")
    parser.add_argument("--list", action="store_true", help="print the cases and end")
    parser.add_argument("--tiny", action="store_true", help="small sizes, for a machine without a GPU")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(work(Case(**json.loads(arguments.case)))))
        return
    end = time.monotonic() + arguments.minutes * 60 - 5
    # What a share of the peak is measured by is always needed.
    chosen = [
        case
        for case in cases(arguments.tiny)
        if case.name.startswith(arguments.only) or case.what == "matmul"
    ]
    if arguments.list:
        print("\n".join(case.name for case in chosen))
        return
    refuse_without_gpu(arguments.tiny)
    compare(chosen, end, arguments)


def refuse_without_gpu(tiny: bool) -> None:
    from kerasbert.doctor import gpu_names

    if not tiny and not gpu_names():
        raise SystemExit("no GPU that a CUDA driver knows (kerasbert doctor says more). Try --tiny.")


def compare(chosen: list[Case], end: float, arguments: argparse.Namespace) -> None:
    """Runs cases until the time is up; saves and prints each result."""
    results: dict[str, Any] = {"machine": {}, "cases": []}
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text("{}")  # or it would be learned late that it cannot be written
    for case in chosen:
        left = end - time.monotonic()
        # One case that hangs does not take the time of all others.
        measured = apart(case, min(left, arguments.minutes * 15)) if left > 10 else LEFT_OUT
        result = {"name": case.name, **asdict(case), **measured}
        if case.what == "matmul":
            results["machine"] = result
            if result.get("device") == "CPU" and not arguments.tiny:
                raise SystemExit("TensorFlow does not see the GPU: kerasbert doctor names what is missing.")
            if "error" in result:
                raise SystemExit(f"the first case failed: {result['error']}")
            print(f"{result['device']}, TensorFlow {result['tensorflow']}, matrix product {result['tflops']}")
        else:
            add_shares(result, results["machine"])
            results["cases"].append(result)
            print(line(result), flush=True)
        arguments.output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(f"saved in {arguments.output}")


def apart(case: Case, seconds: float) -> dict[str, Any]:
    """Returns what a process of its own measured, or why it did not."""
    environment = {
        **os.environ,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "TF_GPU_ALLOCATOR": os.environ.get("TF_GPU_ALLOCATOR", "cuda_malloc_async"),
        # TensorFlow brings PTX for new cards: what the driver makes of it is kept from case to case.
        "CUDA_CACHE_MAXSIZE": os.environ.get("CUDA_CACHE_MAXSIZE", str(4 << 30)),
    }
    command = [sys.executable, __file__, "--case", json.dumps(asdict(case))]
    started = time.monotonic()
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdout=pipe, stderr=pipe, text=True, env=environment, start_new_session=True
    ) as process:
        try:
            printed, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # compilers that it started too
            return {"error": f"cut after {seconds:.0f} s"}
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    wall = {"wall_seconds": round(time.monotonic() - started, 1)}
    results = [text for text in printed.splitlines() if text.startswith("{")]
    if process.returncode or not results:
        reason = [text for text in errors.splitlines() if text.strip()] or ["it ended without a word"]
        return {"error": reason[-1][:500], **wall}
    return {**json.loads(results[-1]), **wall}


def add_shares(result: dict[str, Any], machine: dict[str, Any]) -> None:
    """Adds the shares of the peak to what was measured."""
    peaks = next((peaks for name, peaks in PEAKS.items() if name in machine["device"]), None)
    measured = machine["tflops"]
    for part in result.get("requests", [result]):
        if "operations_per_second" in part:
            tflops, precision = part["operations_per_second"] / 1e12, result["precision"]
            part["mfu"] = round(tflops / peaks[precision], 4) if peaks else None
            part["share_of_matmul"] = round(tflops / measured[precision], 4)


def line(result: dict[str, Any]) -> str:
    """Returns a result as text."""
    if "error" in result:
        return f"{result['name']}: {result['error']}"
    rows = []
    for part in result.get("requests", [result]):
        share = part["mfu"] if part["mfu"] is not None else part["share_of_matmul"]
        of = "the peak" if part["mfu"] is not None else "the matrix product"
        batch = f"batch {part['batch']}: {part['milliseconds']} ms, " if "batch" in part else ""
        speeds = f"{part['sequences_per_second']:,.0f} sequences/s, {part['tokens_per_second']:,.0f} tokens/s"
        rows.append(f"{batch}{speeds}, {share:.1%} of {of}")
    return "\n  ".join([f"{result['name']} ({result['wall_seconds']} s)", *rows])


if __name__ == "__main__":
    main()
