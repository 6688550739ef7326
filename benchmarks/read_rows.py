"""Rows a second that the reader gives, for each format, and its peak memory.

python benchmarks/read_rows.py [--rows 200000]
"""

import argparse
import csv
import gzip
import json
import random
import resource
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from kerasbert.data import Columns, read_rows

_CHARACTERS = "房间很干净早餐太少服务热情屏幕清晰运行流畅，。"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    count = parser.parse_args().rows
    draw = random.Random(0)
    texts = ["".join(draw.choices(_CHARACTERS, k=40)) for _ in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        for path in _write(Path(folder), texts):
            begun = time.perf_counter()
            read = sum(1 for _ in read_rows(path, Columns(label=None if path.suffix == ".txt" else "label")))
            seconds = time.perf_counter() - begun
            assert read == count
            print(f"{path.name:<12} {read / seconds:>9,.0f} rows/s")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


def _write(folder: Path, texts: list[str]) -> list[Path]:
    paths = [folder / f"rows{suffix}" for suffix in (".txt", ".csv", ".tsv", ".jsonl", ".parquet", ".csv.gz")]
    text, comma, tab, lines, parquet, packed = paths
    text.write_text("".join(f"{line}\n" for line in texts), encoding="utf-8")
    with comma.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *((line, "1") for line in texts)])
    tab.write_text("text\tlabel\n" + "".join(f"{line}\t1\n" for line in texts), encoding="utf-8")
    records = (json.dumps({"text": line, "label": "1"}, ensure_ascii=False) for line in texts)
    lines.write_text("".join(f"{record}\n" for record in records), encoding="utf-8")
    pq.write_table(pa.table({"text": texts, "label": ["1"] * len(texts)}), parquet)
    packed.write_bytes(gzip.compress(comma.read_bytes(), 1))
    return paths


if __name__ == "__main__":
    main()
