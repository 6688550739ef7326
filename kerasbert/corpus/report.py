"""Summarises a corpus in a few lines."""

from kerasbert.corpus.corpus import Corpus


def describe(corpus: Corpus) -> str:
    """Returns the counts of each split, the rate of [UNK] and the location of unreadable lines."""
    lines = []
    for split, counts in corpus.counts.items():
        unknown = counts.unknown / max(counts.tokens, 1)
        lines += [
            f"{split}: {counts.documents:,} documents, {counts.sentences:,} sentences, "
            f"{counts.tokens:,} tokens, {unknown:.2%} of them [UNK]",
            f"  {counts.examples:,} examples: {counts.pairs_next:,} in order, {counts.pairs_not_next:,} not, "
            f"{counts.unpaired:,} without a pair",
        ]
    unreadable = sum(counts.unreadable for counts in corpus.counts.values())
    if unreadable:
        lines.append(f"{unreadable:,} unreadable lines: {corpus.path}/*.unreadable.jsonl")
    lines.append(f"corpus: {corpus.path}")
    return "\n".join(lines)
