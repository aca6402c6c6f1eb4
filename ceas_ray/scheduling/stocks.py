"""The stocks of a link by classes of age, and their numbers in one list. Ours."""

from __future__ import annotations

from functools import lru_cache
from math import comb

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.compiled_code import COMPILED, njit


@lru_cache(maxsize=64)
def stock_states(max_total: int, classes: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return all stocks (n_1 .. n_classes) with a sum of at most `max_total`, int64 (states, classes), in lexicographic
    order of their reverse; and counts (classes + 1, most + 2) with which `state_number` finds a stock in that list."""
    counts = np.zeros((classes + 1, max_total + 2), np.int64)
    counts[:, 1:] = [[comb(total + left, left) for total in range(max_total + 1)] for left in range(classes + 1)]
    states = np.zeros((int(counts[classes, max_total + 1]), classes), np.int64)
    for number in range(1, len(states)):
        stock = states[number - 1].copy()
        for k in range(classes):  # the next one: raise the lowest class that may be raised
            stock[k] += 1
            if stock.sum() <= max_total:
                break
            stock[k] = 0
        states[number] = stock
    states.setflags(write=False)
    counts.setflags(write=False)
    return states, counts


def max_stock(states: int, classes: int) -> int:
    """Return the most pairs in stock of which `stock_states` has this many states (0 where there is no class)."""
    max_total = 0
    while classes > 0 and comb(max_total + classes, classes) < states:
        max_total += 1
    return max_total


@njit(**COMPILED)
def state_number(stock, counts):  # type: ignore[no-untyped-def]
    """Return where a stock stands in the list of `stock_states`: how many stocks are smaller, class by class from the
    last."""
    number, room = 0, counts.shape[1] - 2
    for k in range(len(stock) - 1, -1, -1):
        # stocks that agree beyond class k and have fewer in it: sum over i < n of C(room - i + k, k)
        number += counts[k + 1, room + 1] - counts[k + 1, room + 1 - stock[k]]
        room -= stock[k]
    return number
