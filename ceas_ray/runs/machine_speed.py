"""A short measurement of this machine's speed, by which forecasts of times are scaled. Ours."""

from __future__ import annotations

import time
from functools import cache

_REFERENCE_SECONDS = 0.0068
"""Of `_loop` on the machine on which the costs of `forecast` were measured."""
_REPEATS = 7


@cache
def machine_slowness() -> float:
    """Return how many times as long as on the reference machine this process computes here, measured once: a tenth of a
    second is much for each of a thousand jobs of a sweep.
    """
    return max(0.2, min(10.0, min(_seconds() for _ in range(_REPEATS)) / _REFERENCE_SECONDS))


def _seconds() -> float:
    begun = time.process_time()
    _loop()
    return time.process_time() - begun


def _loop() -> int:
    total = 0
    for number in range(100_000):
        total += number * number % 7
    return total
