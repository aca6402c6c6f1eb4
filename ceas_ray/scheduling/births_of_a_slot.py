"""The births of a slot of a chain: how many, and what one attempt heralds beyond a limit. Ours."""

from __future__ import annotations

from math import lgamma, log, log1p

import numpy as np
from numpy.typing import NDArray

_NEGLIGIBLE = 1e-12  # a probability


def binomial(trials: int, success: float, max_successes: int) -> NDArray[np.float64]:
    """Return P(X = j) for j < most, and P(X >= most) last; shape (most + 1,)."""
    if success >= 1.0:
        return np.eye(max_successes + 1)[min(trials, max_successes)]
    logs = [
        lgamma(trials + 1) - lgamma(j + 1) - lgamma(trials - j + 1) + j * log(success) + (trials - j) * log1p(-success)
        if j <= trials
        else -np.inf
        for j in range(max_successes)
    ]
    mass = np.exp(np.array(logs))
    return np.append(mass, max(0.0, 1.0 - float(mass.sum())))


def heralded_beyond(trials: int, success: float, modes: int, max_successes: int) -> NDArray[np.float64]:
    """Return P(e | b): that the attempt of the b-th birth of a slot heralds e more, given that there are b; (most + 1,
    ...).

    An attempt has `modes` trials. With u(s) the mean number of the slot's attempts that begin after s births, the b-th
    comes with e more in an attempt that brings b + e - s at once: P(e, b) = sum over s < b of u(s) P(b + e - s).
    """
    at_once = binomial(modes, success, modes)
    at_once = at_once[: int(np.flatnonzero(at_once > _NEGLIGIBLE)[-1]) + 1]
    begun = np.sum(
        [binomial(a * modes, success, max_successes)[:max_successes] for a in range(max(1, trials // modes))], axis=0
    )
    beyond = np.zeros((max_successes + 1, max(1, len(at_once) - 1)))
    beyond[0, 0] = 1.0
    for b in range(1, max_successes + 1):
        for s in range(max(0, b + 1 - len(at_once)), b):
            beyond[b, : len(at_once) - (b - s)] += begun[s] * at_once[b - s :]
        total = beyond[b].sum()
        beyond[b] = beyond[b] / total if total > 0 else beyond[0]
    return beyond
