"""What shots ask of a route."""

from __future__ import annotations

from typing import Any, NamedTuple


class ShotDemand(NamedTuple):
    """What shots ask of one route, from time `start` on. Times in ps.

    releases (shots,): after `start`, ascending, `burst` of them in each burst, `slot` apart. is_test (shots,): which
    of them are tests. A shot needs `pairs` pairs at most `deadline` after its release, `offset` later than when it
    begins.
    """

    start: int
    releases: Any
    is_test: Any
    pairs: int
    offset: int
    deadline: int
    slot: int
    burst: int
