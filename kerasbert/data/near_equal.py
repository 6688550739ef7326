"""Finds labels that differ only in spelling, and the label that was probably meant."""

import difflib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from kerasbert.data.labels import is_unseen

_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,9})?")  # within the precision of Decimal
# Punctuation that is part of a label's meaning: C#, 10%, A*.
_MEANT = "#%&*@"
_DASHES = ("-", "\N{MINUS SIGN}")


def _without_unseen(label: str) -> str:
    return "".join(c for c in label if not is_unseen(c))


def _without_punctuation(label: str) -> str:
    # A sign distinguishes grades (A, A-) and numbers.
    if label[:1] in _DASHES or label[-1:] in _DASHES:
        return label
    between_digits = zip(f" {label}", label, f"{label[1:]} ", strict=False)
    bare = "".join(
        c
        for before, c, after in between_digits
        if not unicodedata.category(c).startswith("P")
        or c in _MEANT
        or (before.isdigit() and after.isdigit())  # 1-2 and 3.5
    )
    return bare if bare.strip() else label


def _as_number(label: str) -> str:
    return f"{Decimal(label).normalize():f}" if _NUMBER.fullmatch(label) else label


# From the smallest to the largest change of a label.
_FORMS: dict[str, Callable[[str], str]] = {
    "invisible characters": _without_unseen,
    "Unicode normalization (NFC, NFD)": lambda label: unicodedata.normalize("NFC", label),
    "width": lambda label: unicodedata.normalize("NFKC", label),
    "case": str.casefold,
    "spaces": lambda label: "".join(label.split()),
    "punctuation": _without_punctuation,
    "how the number is written": _as_number,
}
_ODDITIES = [form for form in _FORMS if form not in ("case", "spaces")]


@dataclass(frozen=True)
class NearEqual:
    """Labels that differ only in `differences`; the one to keep comes first."""

    labels: tuple[str, ...]
    differences: tuple[str, ...]


def near_equal(counts: Mapping[str, int]) -> list[NearEqual]:
    """Returns groups of labels that a reader would consider the same.

    Args:
        counts: how often each label occurs.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    # Keep the plainest spelling, else the most frequent one.
    for label in sorted(counts, key=lambda label: (_bare(label, _ODDITIES) != label, -counts[label], label)):
        groups[_bare(label)].append(label)
    return [
        NearEqual(tuple(labels), tuple(name for name in _FORMS if name in _differences(labels)))
        for labels in groups.values()
        if len(labels) > 1
    ]


def closest(label: str, known: Iterable[str]) -> str | None:
    """Returns the known label that `label` probably refers to, or None."""
    known = list(known)
    same = [other for other in known if _bare(other) == _bare(label)]
    # The cutoff excludes one different character in four: 正面评价 and 负面评价.
    return next(iter(same or difflib.get_close_matches(label, known, n=1, cutoff=0.8)), None)


def did_you_mean(label: str, known: Iterable[str]) -> str:
    """Returns `, did you mean 'X'?`, or an empty string."""
    meant = closest(label, known)
    return f", did you mean {meant!r}?" if meant else ""


def _bare(label: str, forms: Iterable[str] = _FORMS) -> str:
    for name in forms:
        label = _FORMS[name](label)
    return label


def _differences(labels: Sequence[str]) -> set[str]:
    """Returns the smallest set of forms that makes each label equal to the first."""
    found = set()
    for other in labels[1:]:
        needed = list(_FORMS)
        for name in reversed(_FORMS):
            fewer = [form for form in needed if form != name]
            if _bare(labels[0], fewer) == _bare(other, fewer):
                needed = fewer
        found.update(needed)
    return found
