"""Searches for a scenario that breaks an invariant: at random, or guided by the abstract states that were met.

The guided search keeps an archive of abstract states, each with the tape of the scenario that met it first and the
place on the tape where it did. A scenario either has a tape of its own, or follows the tape of a rarely met state up to
there and then goes its own way (first return, then explore: Ecoffet et al., Nature 590, 2021).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ceas_ray.consensus.exploration.abstract_views import Notice
from ceas_ray.consensus.exploration.tapes import Tape
from ceas_ray.consensus.exploration.violation import Violation
from ceas_ray.kernel.streams import Streams

FRESH_SHARE = 0.3
"""Share of scenarios that follow no other."""
CANDIDATES = 16
"""States of which the one that was met and followed the least is followed."""
EXACT_SHARE = 0.5
"""Share of followed scenarios that part where the state was met; others part anywhere before."""
WINDOW_SHARE, MAX_WINDOW = 0.2, 8
"""Share of followed scenarios that come back to the tape after a few numbers."""


class Observed(Protocol):
    """A scenario that tells its abstract states."""

    notice: Notice

    def run(self) -> None:
        """Run it. Raises `Violation`."""


Maker = Callable[[Tape], Observed]


@dataclass(slots=True)
class _Met:
    """An abstract state: in how many scenarios it was met or followed, and how it was met first."""

    times: int
    tape: Tape
    taken: dict[str, int]


class Archive:
    """The abstract states that a search has met."""

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator, self._met = generator, dict[int, _Met]()
        self._order: list[int] = []

    def __len__(self) -> int:
        return len(self._order)

    def add(self, tape: Tape, seen: dict[int, dict[str, int]]) -> None:
        """Add the states of a scenario, each with how many numbers had been taken by then."""
        for state, taken in seen.items():
            met = self._met.get(state)
            if met is not None:
                met.times += 1
                continue
            self._met[state] = _Met(1, tape, taken)
            self._order.append(state)

    def next_tape(self, seed: int) -> Tape:
        """Return a tape that follows that of a state which was rarely met; seed: of its own numbers."""
        generator = self._generator
        chosen = [self._met[self._order[k]] for k in generator.integers(len(self._order), size=CANDIDATES)]
        met = min(chosen, key=lambda state: state.times)
        met.times += 1
        purposes = [purpose for purpose, taken in met.taken.items() if taken]
        purpose = purposes[int(generator.integers(len(purposes)))]
        start = met.taken[purpose]
        if generator.random() >= EXACT_SHARE:
            start = int(generator.integers(start))
        short = generator.random() < WINDOW_SHARE
        return met.tape.varied(purpose, seed, start, start + 1 + int(generator.integers(MAX_WINDOW)) if short else None)


@dataclass(frozen=True)
class Found:
    """What a search found: after how many scenarios, and which invariant was broken; None: nothing.

    states: the number of abstract states that it met.
    """

    scenarios: int
    invariant: str | None
    states: int


def search(make: Maker, search_seed: int, max_scenarios: int, guided: bool) -> Found:
    """Run scenarios until one breaks an invariant. The result depends on the arguments alone."""
    generator = Streams(search_seed).generator("exploration", "search", "draws", 0)
    archive = Archive(generator)
    for number in range(max_scenarios):
        seed = (search_seed << 32) + number
        fresh = not guided or not len(archive) or generator.random() < FRESH_SHARE
        tape = Tape(seed) if fresh else archive.next_tape(seed)
        try:
            archive.add(tape, _run(make, tape, guided))
        except Violation as violation:
            return Found(number + 1, violation.invariant, len(archive))
    return Found(max_scenarios, None, len(archive))


def _run(make: Maker, tape: Tape, guided: bool) -> dict[int, dict[str, int]]:
    """Run a scenario; return the states that it met, each with the numbers that had been taken."""
    seen: dict[int, dict[str, int]] = {}
    scenario = make(tape)

    def notice(state: int) -> None:
        if state not in seen:
            seen[state] = dict(tape.taken)

    if guided:
        scenario.notice = notice
    scenario.run()
    return seen
