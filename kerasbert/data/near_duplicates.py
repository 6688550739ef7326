"""Normalisation of texts for finding near duplicates."""

import re
import unicodedata

from kerasbert.data.read import Row

_NOT_WORD = re.compile(r"[\W_]+")


def normalized(row: Row) -> str:
    """Returns the row's texts NFKC-normalised, lower-cased, without punctuation and spaces."""
    parts = [row.text] if row.pair is None else [row.text, row.pair]
    bare = [_NOT_WORD.sub("", unicodedata.normalize("NFKC", p).casefold()) for p in parts]
    return "\n".join(bare if any(bare) else parts)
