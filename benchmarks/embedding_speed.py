"""Vectors of a corpus beside sentence-transformers: the same encoder, the same texts, tokens a second.

    python benchmarks/embedding_speed.py FOLDER FILE:TEXT_COLUMN ...
        [--texts 512] [--rounds 5] [--only NAME ...]

FOLDER is a Hugging Face folder, such as multilingual-e5-small. Each contender is a process of its own and
turns the same texts into normalised means of their tokens, in turns, after one that is not counted:
kerasbert by `open_encoder(FOLDER, precision).embed`, sentence-transformers by `encode`, both in float32 and
in bfloat16, up to 512 tokens a text, with the batch sizes that they have by default. Tokens are those of
FOLDER's tokenizer, special ones included. Prints the medians, how many times the speed of the first contender
that is, the lowest cosine with its vectors, and the memory at its peak.

Needs `pip install torch transformers sentence-transformers` beside kerasbert.
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from worker import Worker, answer_requests, apart, peak_memory

NAMES = (
    "sentence-transformers-float32",
    "sentence-transformers-bfloat16",
    "kerasbert-float32",
    "kerasbert-bfloat16",
)
LONGEST = 512


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("files", nargs="+", metavar="FILE:TEXT_COLUMN")
    parser.add_argument("--texts", type=int, default=512, help="of each file")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES)
    arguments = parser.parse_args()
    print("| file | tokens | contender | tokens/s | times | lowest cosine | MiB |\n" + "| --- " * 7 + "|")
    with tempfile.TemporaryDirectory() as directory:
        for name in arguments.files:
            path, _, column = name.rpartition(":")
            texts, tokens = apart(read, path, column, arguments.texts, str(arguments.folder))
            compare(arguments, texts, tokens, path, Path(directory))


def read(path: str, column: str, count: int, folder: str) -> tuple[list[str], int]:
    """Returns some texts of a file, and how many tokens they have."""
    from transformers import AutoTokenizer

    from kerasbert.data import Columns, read_rows

    texts = [row.text for row in read_rows(path, Columns(text=column, label=None))]
    texts = random.Random(0).sample(texts, min(count, len(texts)))
    rows = AutoTokenizer.from_pretrained(folder)(texts, truncation=True, max_length=LONGEST)["input_ids"]
    return texts, sum(map(len, rows))


def compare(arguments: argparse.Namespace, texts: list[str], tokens: int, name: str, directory: Path) -> None:
    """Lets the contenders take turns, and prints their rows of the table."""
    workers = {
        contender: Worker(
            __file__, ["--contender", contender, str(arguments.folder), str(directory / contender)]
        )
        for contender in arguments.only
    }
    seconds: dict[str, list[float]] = {contender: [] for contender in workers}
    memory = {}
    for turn in range(arguments.rounds + 1):
        for contender, worker in workers.items():
            answer = worker.ask(texts)
            memory[contender] = answer["memory"]
            if turn:
                seconds[contender].append(answer["seconds"])
    for worker in workers.values():
        worker.end()
    medians = {contender: statistics.median(times) for contender, times in seconds.items()}
    vectors = {contender: np.load(directory / f"{contender}.npy") for contender in workers}
    first, reference = next(iter(medians.values())), next(iter(vectors.values()))
    for contender, median in medians.items():
        cosine = (vectors[contender] * reference).sum(axis=1).min()
        print(
            f"| {name} | {tokens:,} | {contender} | {tokens / median:,.0f} | {first / median:.2f} | "
            f"{cosine:.5f} | {memory[contender]:,.0f} |",
            flush=True,
        )


def contend(contender: str, folder: str, output: str) -> None:
    """Answers requests for vectors; in the worker."""
    side, _, precision = contender.rpartition("-")
    if side == "kerasbert":
        import kerasbert

        encoder = kerasbert.open_encoder(folder, precision)

        def embed(texts: list[str]) -> np.ndarray:
            return encoder.embed(texts, pooling="mean", normalize=True)
    else:
        import torch
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(folder, device="cpu", model_kwargs={"dtype": getattr(torch, precision)})
        model.max_seq_length = LONGEST

        def embed(texts: list[str]) -> np.ndarray:
            return model.encode(texts, normalize_embeddings=True, convert_to_tensor=True).float().numpy()

    def answer(texts: list[str]) -> dict[str, float]:
        begin = time.perf_counter()
        vectors = embed(texts)
        seconds = time.perf_counter() - begin
        np.save(output, vectors)
        return {"seconds": seconds, "memory": peak_memory()}

    answer_requests(answer)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--contender"]:
        contend(*sys.argv[2:])
    else:
        main()
