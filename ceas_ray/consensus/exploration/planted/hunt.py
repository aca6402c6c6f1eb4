"""Hunts for all planted bugs, on many processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ceas_ray.consensus.exploration.planted.catalogue import PLANTED_BUGS, CaughtBug
from ceas_ray.consensus.exploration.spawned_pool import spawned_pool


class Hunted(NamedTuple):
    """A planted bug, and how each explorer that caught it did."""

    bug: str
    catches: tuple[CaughtBug, ...]


def _hunt(number: int) -> Hunted:
    bug = PLANTED_BUGS[number]
    return Hunted(bug.name, tuple(bug.caught()))


def hunt_all(words: str = "", processes: int = 1, begin_worker: Callable[[], None] | None = None) -> Iterator[Hunted]:
    """Hunt bugs whose names contain `words`, in the catalogue's order. begin_worker: called first in each process."""
    numbers = [number for number, bug in enumerate(PLANTED_BUGS) if words in bug.name]
    with spawned_pool(processes, begin_worker) as pool:
        yield from pool.imap(_hunt, numbers)
