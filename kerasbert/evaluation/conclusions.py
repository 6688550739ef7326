"""What a comparison shows and what it does not, in sentences."""

from typing import Any

from kerasbert.evaluation.intervals import few_groups
from kerasbert.language import listed, tr
from kerasbert.listing import SHOWN

_FEW_SEEDS = 5


def conclusions(metrics: dict[str, Any]) -> list[str]:
    """Returns what the comparison shows and what it does not, one sentence each."""
    accuracy = metrics["difference"]["accuracy"]
    several = of_seeds(metrics)
    p = accuracy["p"] if several else metrics["mcnemar"]["p"]
    return [
        _difference(metrics, accuracy, p, "t test over rows and seeds" if several else "McNemar"),
        *_macro_f1(metrics["difference"]["macro_f1"], accuracy["value"] if p < 0.05 else 0),
        *_equivalence(metrics["equivalence"], p, several),
        *(_seeds(metrics) if several else []),
        *_unknown_labels(metrics),
        *few_groups(metrics["groups"]),
    ]


def of_seeds(metrics: dict[str, Any]) -> bool:
    """Whether models of several seeds were compared."""
    return "mcnemar" not in metrics


def _difference(metrics: dict[str, Any], accuracy: dict[str, Any], p: float, test: str) -> str:
    low, high = accuracy["interval"]
    if not metrics["only_a_right"] and not metrics["only_b_right"]:
        return tr("A and B are right on the same rows.")
    if p < 0.05:
        better, worse = ("B", "A") if accuracy["value"] > 0 else ("A", "B")
        low, high = sorted((abs(low), abs(high))) if low * high > 0 else (low, high)
        return tr(
            "{better} is more accurate than {worse}: by {points}, 95 % interval {low:.2f} to {high:.2f} "
            "({test}, {p}).",
            better=better,
            worse=worse,
            points=points(abs(accuracy["value"])),
            low=low * 100,
            high=high * 100,
            test=tr(test),
            p=p_value(p),
        )
    return tr(
        "No difference of accuracy is shown ({test}, {p}): with these rows it may be anything from "
        "{low:+.2f} to {high:+.2f} points.",
        test=tr(test),
        p=p_value(p),
        low=low * 100,
        high=high * 100,
    )


def _macro_f1(difference: dict[str, Any], accuracy: float) -> list[str]:
    """Returns a sentence if macro F1 shows a difference that accuracy does not.

    Args:
        difference: of macro F1.
        accuracy: its difference, 0 if that is not significant.
    """
    low, high = difference["interval"]
    if low * high <= 0 or accuracy * difference["value"] > 0:
        return []
    low, high = sorted((abs(low), abs(high)))
    return [
        tr(
            "Macro F1, which weighs all labels alike, is higher for {better}: by {points}, 95 % interval "
            "{low:.2f} to {high:.2f}.",
            better="B" if difference["value"] > 0 else "A",
            points=points(abs(difference["value"])),
            low=low * 100,
            high=high * 100,
        )
    ]


def _equivalence(equal: dict[str, Any], p: float, several: bool) -> list[str]:
    within = {"margin": points(equal["margin"]), "p": p_value(equal["p"])}
    if equal["equivalent"]:
        return [tr("A and B are equivalent within {margin} of accuracy (TOST, {p}).", **within)]
    if p < 0.05:
        return []
    if several:
        return [tr("Nor are they shown to be equivalent within {margin} (TOST, {p}).", **within)]
    return [
        tr(
            "Nor are they shown to be equivalent within {margin} (TOST, {p}): it takes more rows to tell.",
            **within,
        )
    ]


def _seeds(metrics: dict[str, Any]) -> list[str]:
    """Returns what the seeds have to do with it."""
    variance = metrics["difference"]["accuracy"]["variance"]
    rows, seeds, rest = (100 * variance[of] / sum(variance.values()) for of in ("rows", "seeds", "rest"))
    found = [
        tr(
            "Of the variance of the difference {rows:.0f} % comes from the rows, {seeds:.0f} % from the "
            "seeds and {rest:.0f} % from both together: {advice} would narrow the interval most.",
            rows=rows,
            seeds=seeds,
            rest=rest,
            advice=tr("more rows" if rows > seeds else "more seeds"),
        )
    ]
    models = {side: len(metrics[side]["models"]) for side in ("a", "b")}
    if (fewest := min(count for count in models.values() if count > 1)) < _FEW_SEEDS:
        found.append(
            tr(
                "{seeds} seeds say little about how much seeds vary: the interval allows for that and would "
                "be narrower with more.",
                seeds=fewest,
            )
        )
    for side, count in models.items():
        if count == 1:
            found.append(
                tr(
                    "{side} is one model: what is said holds for this model, not for its recipe with other "
                    "seeds.",
                    side=side.upper(),
                )
            )
        if alike := metrics[side]["alike"]:
            found.append(
                tr(
                    "{one} and {other} decided all rows alike: are they the same model?",
                    one=alike[0],
                    other=alike[1],
                )
            )
    return found


def _unknown_labels(metrics: dict[str, Any]) -> list[str]:
    return [
        tr(
            "{side} does not know {labels}: it cannot be right on these {rows} row(s).",
            side=side.upper(),
            labels=listed(list(unknown), SHOWN),
            rows=sum(unknown.values()),
        )
        for side in ("a", "b")
        if (unknown := metrics[side]["unknown_labels"])
    ]


def p_value(p: float) -> str:
    """Returns a p-value: p = 0.034, or p < 0.001."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def points(share: float) -> str:
    """Returns a difference of accuracy in percentage points."""
    text = f"{share * 100:.2f}".rstrip("0").rstrip(".")
    return tr("{points} point" if text == "1" else "{points} points", points=text)
