"""The table of the page on rules that says what the spectral filter takes from honest rows, and what keeping it costs.

usage: python -m tests.aggregation.honest_votes
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ceas_ray.aggregation.spectral_filter import SpectralFilter

ROWS, FAULTS, SETS = 50, 10, 10
DIMENSIONS = (16, 200, 1024)
EQUAL = np.full(ROWS, 1 / ROWS)
FILTERS = (SpectralFilter(), SpectralFilter(noise="unequal"))
NOISE = {
    "equal": (False, False),
    "standard deviations up to 3 times apart": (True, False),
    "falling as 1/k over directions": (False, True),
    "both": (True, True),
}
STEPS = (1, 2, 3, 4, 5, 6, 8, 10, 14, 20, 30, 50)


def rows_of(seed: int, dimension: int, unequal: bool, anisotropic: bool) -> Any:
    """Return honest rows, in units of their mean standard deviation per coordinate."""
    draw = np.random.default_rng(seed)
    variances = 1 / np.arange(1, dimension + 1) if anisotropic else np.ones(dimension)
    spread = 3.0 ** draw.uniform(-0.5, 0.5, ROWS) if unequal else np.ones(ROWS)
    return draw.normal(size=(ROWS, dimension)) * np.sqrt(variances / variances.mean()) * spread[:, None]


def vote_lost(rule: SpectralFilter, dimension: int, unequal: bool, anisotropic: bool) -> float:
    """Return the share of their votes that honest rows lose where none is faulty."""
    kept = []
    for seed in range(SETS):
        left = rule.effective_weights(rows_of(seed, dimension, unequal, anisotropic), EQUAL, FAULTS)
        kept.append(np.minimum(left / left.max(), 1.0).mean())
    return 1 - float(np.mean(kept))


def farthest(rule: SpectralFilter, dimension: int, unequal: bool, anisotropic: bool) -> float:
    """Return how far colluders move the aggregate from the honest mean at worst, in the mean of the sets.

    They move their honest rows together, in one direction or in two, or send a third of their noise, at 12 distances.
    """
    moved = {(shape, step): 0.0 for shape in ("one", "two", "quiet") for step in STEPS}
    for seed in range(SETS):
        direction = np.random.default_rng(1000 + seed).normal(size=dimension)
        direction /= np.linalg.norm(direction)
        honest = rows_of(seed, dimension, unequal, anisotropic)
        for shape, step in moved:
            sent = honest.copy()
            if shape == "quiet":
                sent[:FAULTS] /= 3
            sent[:FAULTS] += step * direction
            if shape == "two":
                sent[: FAULTS // 2] += step * np.roll(direction, 1)
            error = np.linalg.norm(rule(sent, EQUAL, FAULTS) - honest[FAULTS:].mean(axis=0))
            moved[shape, step] += float(error) / SETS
    return max(moved.values())


def line(noise: str, dimension: int) -> str:
    """Return a line of the table."""
    lost = [f"{100 * vote_lost(rule, dimension, *NOISE[noise]):.0f} %" for rule in FILTERS]
    reach = [f"{farthest(rule, dimension, *NOISE[noise]):.1f}" for rule in FILTERS]
    return f"| {noise} | {dimension:,} | {' | '.join([*lost, *reach])} |"


def main() -> None:
    """Print all lines."""
    for noise in NOISE:
        for dimension in DIMENSIONS:
            print(line(noise, dimension), flush=True)


if __name__ == "__main__":
    main()
