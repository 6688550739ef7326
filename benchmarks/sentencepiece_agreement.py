"""Do texts get the same ids in the graph, from `sentencepiece` and from `tokenizers`?

    python benchmarks/sentencepiece_agreement.py FOLDER FILE...

FOLDER holds a SentencePiece model or a tokenizer.json, FILES are lines of text (.gz: compressed). Lines
that are split in another way are counted by the reason: the two splits have the same score, the texts
differ in spaces at an end, or they were normalised to other texts.
"""

import argparse
import gzip
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import sentencepiece
import tensorflow as tf
import tokenizers

from kerasbert import progress
from kerasbert.checkpoints.tokenizer_files import read_tokenizer
from kerasbert.text import SentencePieceVocabulary, TextGraph

_BATCH = 4096


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    arguments = parser.parse_args()
    vocabulary = read_tokenizer(arguments.folder).vocabulary
    if not isinstance(vocabulary, SentencePieceVocabulary):
        parser.error(f"{arguments.folder} has no SentencePiece vocabulary")
    graph = TextGraph(vocabulary, max_length=8)
    processor = sentencepiece.SentencePieceProcessor(model_proto=vocabulary.content)
    fast = arguments.folder / "tokenizer.json"
    scores = [piece.score for piece in vocabulary.parsed().pieces]

    peers: dict[str, Callable[[list[str]], list[list[int]]]]
    peers = {f"sentencepiece {sentencepiece.__version__}": processor.encode}
    if fast.is_file():
        peers[f"tokenizers {tokenizers.__version__}"] = _encode_by(tokenizers.Tokenizer.from_file(str(fast)))
    total = 0
    reasons: dict[str, Counter[str]] = {name: Counter() for name in peers}
    examples: dict[str, str] = {}
    every = iter(progress.track(_lines(arguments.files), "comparing", unit="lines"))
    while lines := list(islice(every, _BATCH)):
        ours = graph.tokenize(tf.constant(lines)).to_list()
        total += len(lines)
        for name, encode in peers.items():
            for line, one, other in zip(lines, ours, encode(lines), strict=True):
                if one != other:
                    reason = _reason(one, other, scores, vocabulary.tokens)
                    reasons[name][reason] += 1
                    examples.setdefault(f"{name}, {reason}", line[:60])
    print(f"{total:,} lines")
    for name, counts in reasons.items():
        print(f"{name}: {dict(counts) or 'the same ids'}")
    for name, line in examples.items():
        print(f"  {name}: {line}")


def _encode_by(tokenizer: tokenizers.Tokenizer) -> Callable[[list[str]], list[list[int]]]:
    return lambda lines: [
        encoding.ids for encoding in tokenizer.encode_batch(lines, add_special_tokens=False)
    ]


def _lines(files: Sequence[Path]) -> Iterator[str]:
    for path in files:
        open_text = gzip.open if path.suffix == ".gz" else open
        with open_text(path, "rt", encoding="utf-8") as file:
            for line in file:
                yield line.rstrip("\n")


def _reason(
    ours: Sequence[int], theirs: Sequence[int], scores: Sequence[float], tokens: Sequence[str]
) -> str:
    spelled, other = ("".join(tokens[index] for index in ids) for ids in (ours, theirs))
    if spelled == other:
        one, two = (math.fsum(scores[index] for index in ids) for ids in (ours, theirs))
        return "equal scores" if abs(one - two) < 1e-3 else "unequal scores"
    return "spaces" if spelled.replace("▁", "") == other.replace("▁", "") else "normalised otherwise"


if __name__ == "__main__":
    main()
