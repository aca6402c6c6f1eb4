"""Corners of the rules at n = 4 that random walks reach too rarely: (who, view, phase, value), the last one a try."""

from __future__ import annotations

Script = list[tuple[int, int, int, int]]
W, V = 1, 2


def _all_enter(view: int) -> Script:
    return [(who, view, 0, 0) for who in range(3)]


def _votes(view: int, phases: range, value: int, *who: int) -> Script:
    return [(k, view, phase, value) for phase in phases for k in who]


PREVIOUS_COUNTS: Script = [
    *_all_enter(0), *_votes(0, range(1, 4), W, 0, 1), (1, 0, 4, W),
    *_all_enter(1), *_votes(1, range(1, 4), V, 0, 2), (0, 1, 4, V),
    *_all_enter(2), *_votes(2, range(1, 2), W, 0, 2),
    *_all_enter(3), (2, 3, 1, V),
]  # fmt: skip
"""V is safe in view 3 only because replica 0, which last voted for W, shows an earlier vote for another value."""

THE_SAME_VALUE_TWICE: Script = [
    *_all_enter(0), *_votes(0, range(1, 4), W, 0, 1), *_votes(0, range(4, 5), W, 0, 1),
    *_all_enter(1), *_votes(1, range(1, 2), W, 0, 1, 2),
    *_all_enter(2), *_votes(2, range(1, 2), W, 0, 1, 2),
    *_all_enter(3), (2, 3, 1, V),
]  # fmt: skip
"""W is decided; two votes for W show nothing about V, which must be refused."""
