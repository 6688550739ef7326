"""Do texts get the same ids in the graph, from `sentencepiece` and from `tokenizers`?

    python benchmarks/sentencepiece_agreement.py FOLDER FILE...

FOLDER holds a SentencePiece model or a tokenizer.json, FILES are lines of text (.gz: compressed). Lines that
`tokenizers` splits in another way are counted by the reason: the two splits have the same score, the texts
differ in spaces at an end, or they were normalised to other texts.
"""

import argparse
import gzip
import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import sentencepiece
import tensorflow as tf
from tokenizers import Tokenizer

from kerasbert import progress
from kerasbert.checkpoints.tokenizer_files import read_tokenizer
from kerasbert.text import TextGraph

_BATCH = 4096
_SHOWN = 3  # lines of each reason


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    arguments = parser.parse_args()
    vocabulary = read_tokenizer(arguments.folder).vocabulary
    graph = TextGraph(vocabulary, max_length=8)
    processor = sentencepiece.SentencePieceProcessor(model_proto=vocabulary.content)
    fast = arguments.folder / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(fast)) if fast.is_file() else None
    scores = [processor.get_score(index) for index in range(len(vocabulary))]
    lowest = min(scores) - 10  # of unknown text, as in sentencepiece
    scores[vocabulary.unk] = lowest

    total = wrong = 0
    reasons: Counter[str] = Counter()
    examples: dict[str, list[str]] = {}
    every = iter(progress.track(_lines(arguments.files), "comparing", unit="lines"))
    while lines := list(islice(every, _BATCH)):
        ours = graph.tokenize(tf.constant(lines)).to_list()
        total += len(lines)
        wrong += sum(one != other for one, other in zip(ours, processor.encode(lines), strict=True))
        if tokenizer is None:
            continue
        encoded = tokenizer.encode_batch(lines, add_special_tokens=False)
        for line, one, other in zip(lines, ours, (encoding.ids for encoding in encoded), strict=True):
            if one != other:
                reason = _reason(one, other, scores, vocabulary.tokens)
                reasons[reason] += 1
                examples.setdefault(reason, []).append(line[:60])
    print(
        json.dumps(
            {
                "lines": total,
                "other_ids_than_sentencepiece": wrong,
                "other_ids_than_tokenizers": dict(reasons) if tokenizer else None,
                "examples": {reason: lines[:_SHOWN] for reason, lines in examples.items()},
            },
            ensure_ascii=False,
            indent=1,
        )
    )


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
