"""Creates augmented copies of training rows."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from kerasbert.augmentation import eda
from kerasbert.augmentation.homophones import Homophones
from kerasbert.augmentation.masked_lm import MaskedLM
from kerasbert.checkpoints import BackboneSource
from kerasbert.config import AugmentationConfig
from kerasbert.data import Row, Rows
from kerasbert.errors import ConfigError
from kerasbert.text import TextGraph
from kerasbert.text.segment import word_segmenter

Change = Callable[[list[str], float, np.random.Generator], list[str]]


def augment_rows(
    rows: Rows, config: AugmentationConfig, seed: int, source: BackboneSource | None, graph: TextGraph
) -> Rows:
    """Returns only the copies: `config.copies` of each row, each changed by one of the methods.

    Both texts of a pair are changed. Copies that equal their original are left out.

    Args:
        rows: training rows.
        config: how many copies to make, and how to change them.
        seed: the same seed gives the same copies.
        source: the backbone, for `masked_lm`.
        graph: the training's text graph, for `masked_lm`.

    Raises:
        UserError: a method's dependency, thesaurus or masked LM head is missing.
    """
    if not config.copies:
        return Rows()
    random = np.random.default_rng(seed)
    changes = {method: _change(method, config, rows, source, graph) for method in config.methods}
    drawn = random.choice(config.methods, size=[config.copies, len(rows)])
    copies: list[Row] = []
    for methods in drawn:
        changed = list(rows.rows)
        for method, change in changes.items():
            places = np.flatnonzero(methods == method)
            originals = [rows.rows[place] for place in places]
            texts = change([row.text for row in originals], config.share, random)
            pairs: Sequence[str | None] = [None] * len(originals)
            if rows.pairs is not None:
                pairs = change([row.pair or "" for row in originals], config.share, random)
            for place, row, text, pair in zip(places, originals, texts, pairs, strict=True):
                changed[place] = replace(row, text=text, pair=pair)
        copies += [
            new for new, old in zip(changed, rows.rows, strict=True) if new != old and new.text.strip()
        ]
    return Rows(copies)


def _change(
    method: str, config: AugmentationConfig, rows: Rows, source: BackboneSource | None, graph: TextGraph
) -> Change:
    """Returns the function that changes texts by `method`."""
    if method == "masked_lm":
        return MaskedLM(source, graph)
    if method == "homophone":
        homophones = Homophones([*rows.texts, *(rows.pairs or [])])
        return lambda texts, share, random: [homophones(text, share, random) for text in texts]
    if method in ("synonym", "insert"):
        if not config.synonyms:
            raise ConfigError(f"augmentation.synonyms: must be a thesaurus file for the method {method}.")
        synonyms = eda.read_synonyms(config.synonyms)
        with_synonyms = eda.replace if method == "synonym" else eda.insert
        return _by_words(lambda words, share, random: with_synonyms(words, share, random, synonyms))
    return _by_words(eda.swap if method == "swap" else eda.delete)


def _by_words(change: Change) -> Change:
    """Turns a function that changes the words of one text into a change of texts."""
    cut = word_segmenter("remove the methods synonym, insert, swap and delete from augmentation.methods")
    return lambda texts, share, random: ["".join(change(list(cut(text)), share, random)) for text in texts]
