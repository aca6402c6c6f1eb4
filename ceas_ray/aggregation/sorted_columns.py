"""Compiled loops over sorted columns, for coordinate-wise rules with weights.

Batcher's odd-even merge network (Batcher 1968) sorts LANES columns at once, the weights along with the values: its
exchanges do not depend on the data, so a CPU's vector units do them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceas_ray.aggregation.rule import DUST
from ceas_ray.kernel.compiled_code import njit

LANES = 64
HALF_MET = 1e-9
"""The weights up to a value count as exactly one half within this."""


@lru_cache
def exchanges(count: int) -> NDArray[np.int64]:
    """Return the network's pairs of ranks (pairs, 2), lower first, that sort `count` values."""
    found = []
    merged = 1
    while merged < count:
        apart = merged
        while apart >= 1:
            for start in range(apart % merged, count - apart, 2 * apart):
                for i in range(start, min(start + apart, count - apart)):
                    if i // (2 * merged) == (i + apart) // (2 * merged):
                        found.append((i, i + apart))
            apart //= 2
        merged *= 2
    return np.array(found, dtype=np.int64).reshape(-1, 2)


@njit(cache=True, nogil=True, error_model="numpy")
def _exchange(values: Any, others: Any, weights: Any, other_weights: Any) -> None:
    """Move the smaller value of every lane, with its weight, to the first row; equal ones stay."""
    for lane in range(LANES):
        a, b, x, y = values[lane], others[lane], weights[lane], other_weights[lane]
        swap = a > b
        values[lane] = b if swap else a
        others[lane] = a if swap else b
        weights[lane] = y if swap else x
        other_weights[lane] = x if swap else y


@njit(cache=True, nogil=True, error_model="numpy")
def _sort(updates: Any, row_weights: Any, pairs: Any, start: int, end: int, values: Any, weights: Any) -> None:
    """Write columns `start` to `end` of the updates, each ascending, and their weights into lanes (n, LANES)."""
    for k in range(len(updates)):
        values[k, : end - start] = updates[k, start:end]
        weights[k, :] = row_weights[k]
    for c in range(len(pairs)):
        i, j = pairs[c, 0], pairs[c, 1]
        _exchange(values[i], values[j], weights[i], weights[j])


@njit(cache=True, nogil=True, error_model="numpy")
def _medians(updates: Any, pairs: Any) -> Any:
    rows, columns = updates.shape
    result, values = np.empty(columns), np.zeros((rows, LANES))
    for start in range(0, columns, LANES):
        end = min(start + LANES, columns)
        for k in range(rows):
            values[k, : end - start] = updates[k, start:end]
        for c in range(len(pairs)):
            lower, upper = values[pairs[c, 0]], values[pairs[c, 1]]
            for lane in range(LANES):
                a, b = lower[lane], upper[lane]
                lower[lane] = b if a > b else a
                upper[lane] = a if a > b else b
        for column in range(start, end):
            result[column] = (values[(rows - 1) // 2, column - start] + values[rows // 2, column - start]) / 2
    return result


def medians(updates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median of each column of `updates` (n, d), (d,): midway between the two middle values if n is even."""
    return np.asarray(_medians(updates, exchanges(len(updates))))


@njit(cache=True, nogil=True, error_model="numpy")
def weighted_trimmed_means(updates: Any, row_weights: Any, pairs: Any, trim: float) -> Any:
    """Return for each column of `updates` (n, d) the mean by weight after the mass `trim` is dropped at both ends,
    (d,).

    pairs: `exchanges(n)`.
    """
    rows, columns = updates.shape
    result, values, weights = np.empty(columns), np.zeros((rows, LANES)), np.zeros((rows, LANES))
    before, mass, total = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    for start in range(0, columns, LANES):
        end = min(start + LANES, columns)
        _sort(updates, row_weights, pairs, start, end, values, weights)
        before[:], mass[:], total[:] = 0.0, 0.0, 0.0
        for k in range(rows):
            for lane in range(LANES):
                weight = weights[k, lane]
                kept = min(max(1 - trim - before[lane], 0.0), weight) - min(max(trim - before[lane], 0.0), weight)
                kept = kept if kept > DUST else 0.0
                mass[lane] += kept
                total[lane] += kept * values[k, lane]
                before[lane] += weight
        for column in range(start, end):
            result[column] = total[column - start] / mass[column - start]
    return result


@njit(cache=True, nogil=True, error_model="numpy")
def weighted_medians(updates: Any, row_weights: Any, pairs: Any) -> Any:
    """Return for each column of `updates` (n, d) the weighted median, (d,); midway between two values if half is met
    exactly.

    pairs: `exchanges(n)`.
    """
    rows, columns = updates.shape
    result, values, weights = np.empty(columns), np.zeros((rows, LANES)), np.zeros((rows, LANES))
    for start in range(0, columns, LANES):
        end = min(start + LANES, columns)
        _sort(updates, row_weights, pairs, start, end, values, weights)
        for lane in range(end - start):
            k, mass = 0, weights[0, lane]
            while mass < 0.5 - HALF_MET:
                k += 1
                mass += weights[k, lane]
            lower = values[k, lane]
            while mass <= 0.5 + HALF_MET:
                k += 1
                mass += weights[k, lane]
            result[start + lane] = (lower + values[k, lane]) / 2
    return result
