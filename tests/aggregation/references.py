"""Aggregation rules in plain loops, written from the papers, to hold ours against. Rows of random cases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Rule = Callable[[Any, int], Any]


def ordered_by_distance(updates: Any, row: Any) -> list[int]:
    return sorted(range(len(updates)), key=lambda k: (float(np.sum((updates[k] - row) ** 2)), k))


def mean(updates: Any, faults: int) -> Any:
    return sum(updates) / len(updates)


def median(updates: Any, faults: int) -> Any:
    middle, odd = divmod(len(updates), 2)
    columns = [sorted(column) for column in updates.T]
    return np.array([c[middle] if odd else (c[middle - 1] + c[middle]) / 2 for c in columns])


def trimmed_mean(updates: Any, faults: int) -> Any:
    columns = [sorted(column)[faults : len(updates) - faults] for column in updates.T]
    return np.array([sum(column) / len(column) for column in columns])


def krum_scores(updates: Any, neighbours: int) -> list[float]:
    scores = []
    for i, row in enumerate(updates):
        others = sorted(float(np.sum((other - row) ** 2)) for j, other in enumerate(updates) if j != i)
        scores.append(sum(others[: max(1, neighbours)]))
    return scores


def krum(updates: Any, faults: int) -> Any:
    scores = krum_scores(updates, len(updates) - faults - 2)
    return updates[scores.index(min(scores))]


def multi_krum(updates: Any, faults: int) -> Any:
    scores = krum_scores(updates, len(updates) - faults - 2)
    best = sorted(range(len(updates)), key=lambda k: (scores[k], k))[: len(updates) - faults]
    return np.mean([updates[k] for k in best], axis=0)


def clipped_from_zero(radius: float, steps: int) -> Rule:
    def rule(updates: Any, faults: int) -> Any:
        centre = np.zeros(updates.shape[1])
        for _ in range(steps):
            offsets = [row - centre for row in updates]
            centre = centre + sum(o * min(1.0, radius / max(np.linalg.norm(o), 1e-300)) for o in offsets) / len(updates)
        return centre

    return rule


def mixed(updates: Any, faults: int) -> Any:
    kept = len(updates) - faults
    return np.array([np.mean(updates[ordered_by_distance(updates, row)[:kept]], axis=0) for row in updates])


def nnm(rule: Rule) -> Rule:
    return lambda updates, faults: rule(mixed(updates, faults), faults)


def sum_of_distances(updates: Any, weights: Any, point: Any) -> float:
    return float(sum(w * np.linalg.norm(row - point) for w, row in zip(weights, updates, strict=True)))


def random_rows(seed: int) -> tuple[Any, int]:
    """(updates, faults): normal rows, rows on a small grid (many equal distances), some of them repeated, and colluders
    that all send one row, near or far."""
    draw = np.random.default_rng(seed)
    count, length = int(draw.integers(4, 15)), int(draw.integers(1, 6))
    updates = draw.normal(size=(count, length)) if seed % 3 else draw.integers(-2, 3, (count, length)).astype(float)
    faults = int(draw.integers(0, (count - 1) // 3 + 1))
    if seed % 2:
        updates[1] = updates[0]
    if seed % 5 < 3:
        colluding = updates.mean(axis=0) * -(10.0 ** int(draw.integers(-1, 4)))
        updates[draw.choice(count, faults, replace=False)] = np.round(colluding, 3)
    return updates, faults
