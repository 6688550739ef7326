"""How often the interval of `kerasbert compare` with several seeds holds the true difference, by simulation.

Rows are right or wrong by a probit model of rows, seeds and both; a seed moves the accuracy of its model by
about 1.1 points (standard deviation) where it is called 1, and so on.

    python benchmarks/seed_intervals.py
"""

import click
import numpy as np
from scipy.stats import norm

from kerasbert.evaluation.variance import estimate

MEAN, BETTER, HARD, APART, BOTH = 1.3, 0.1, 1.0, 0.3, 0.3
POINTS = 0.05  # of the probit scale, about one point of accuracy


def sample(
    random: np.random.Generator, models: tuple[int, int], rows: int, seeds: float
) -> tuple[list[np.ndarray], float]:
    """Returns who was right, [models, rows] of A and of B, and the true difference."""
    base, sides, means = random.normal(MEAN, HARD, rows), [], []
    spread = HARD**2 + APART**2 + BOTH**2
    for count, better in zip(models, (0, BETTER), strict=True):
        effects = seeds * random.normal(size=(count, 1))
        latent = base + better + APART * random.normal(size=rows) + effects
        sides.append((latent + BOTH * random.normal(size=(count, rows)) > 0).astype(float))
        # One model is taken for itself; several are seeds of a recipe.
        known, of_seeds = (effects[0, 0], 0) if count == 1 else (0, seeds**2)
        means.append(norm.cdf((MEAN + better + known) / np.sqrt(spread + of_seeds)))
    return sides, means[1] - means[0]


@click.command()
@click.option("--samples", default=2000, show_default=True)
def main(samples: int) -> None:
    """Prints a Markdown table: share of the intervals that hold the difference, and their median width."""
    sizes = (0, 1, 2, 8)
    print("| models | rows |", *(f"{size} points |" for size in sizes))
    print("| --- | --- |", *("--- |" for _ in sizes))
    for models in ((2, 2), (3, 3), (5, 5), (1, 2), (1, 3), (1, 5)):
        for rows in (200, 1000):
            cells = []
            for size in sizes:
                random, held, widths = np.random.default_rng(0), 0, []
                for _ in range(samples):
                    (a, b), true = sample(random, models, rows, size * POINTS)
                    low, high = estimate(-a, b).interval()
                    held += low <= true <= high
                    widths.append(100 * (high - low))
                cells.append(f"{held / samples:.3f}, {np.median(widths):.1f} |")
            print(f"| {models[0]} and {models[1]} | {rows} |", *cells, flush=True)


if __name__ == "__main__":
    main()
