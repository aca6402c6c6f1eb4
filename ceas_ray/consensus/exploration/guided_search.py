"""Searches for a scenario that breaks an invariant: at random, or guided by the abstract states that were met.

The guided search keeps an archive of abstract states, each with some tapes of scenarios that met it and the place on
the tape where they did. A scenario either has a tape of its own, or follows the tape of a rarely met state up to there
and then goes its own way (first return, then explore: Ecoffet et al., Nature 590, 2021).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ceas_ray.consensus.exploration.abstract_views import Notice
from ceas_ray.consensus.exploration.tapes import Tape
from ceas_ray.consensus.exploration.violation import Violation
from ceas_ray.kernel.streams import Streams

FRESH_SHARE = 0.1
"""Share of scenarios that follow no other."""
CANDIDATES = 64
"""States of which the one that was met and followed the least is followed."""
KEPT_TAPES, REPLACED_SHARE = 8, 0.3
"""Tapes that are kept of a state, and share of later ones that take the place of one of them."""


class Observed(Protocol):
    """A scenario that tells its abstract states."""

    notice: Notice

    def run(self) -> None:
        """Run it. Raises `Violation`."""


Maker = Callable[[Tape], Observed]


@dataclass(slots=True)
class _Met:
    """An abstract state: in how many scenarios it was met or followed, and tapes that meet it, each with the place."""

    times: int
    tapes: list[tuple[Tape, Any]]


class Archive:
    """The abstract states that a search has met."""

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator, self._met = generator, dict[int, _Met]()
        self._order: list[int] = []

    def __len__(self) -> int:
        return len(self._order)

    def add(self, tape: Tape, seen: dict[int, Any]) -> None:
        """Add the states of a scenario, each with its place on the tape."""
        for state, place in seen.items():
            met = self._met.get(state)
            if met is None:
                self._met[state] = _Met(1, [(tape, place)])
                self._order.append(state)
                continue
            met.times += 1
            if len(met.tapes) < KEPT_TAPES:
                met.tapes.append((tape, place))
            elif self._generator.random() < REPLACED_SHARE:
                met.tapes[int(self._generator.integers(KEPT_TAPES))] = tape, place

    def next_tape(self, seed: int) -> Tape:
        """Return a tape that follows one of a state which was rarely met; seed: of its own numbers."""
        generator = self._generator
        chosen = [self._met[self._order[k]] for k in generator.integers(len(self._order), size=CANDIDATES)]
        met = min(chosen, key=lambda state: state.times)
        met.times += 1
        tape, place = met.tapes[int(generator.integers(len(met.tapes)))]
        return tape.parted(place, seed, generator)


@dataclass(frozen=True)
class Found:
    """What a search found: after how many scenarios, and which invariant was broken; None: nothing.

    states: the number of abstract states that it met.
    """

    scenarios: int
    invariant: str | None
    states: int


def search(
    make: Maker, search_seed: int, max_scenarios: int, guided: bool, *, tape_of: Callable[[int], Tape] = Tape
) -> Found:
    """Run scenarios until one breaks an invariant. The result depends on the arguments alone.

    tape_of: makes the tapes of a guided search that follow no other, from seeds.
    """
    generator = Streams(search_seed).generator("exploration", "search", "draws", 0)
    archive = Archive(generator)
    for number in range(max_scenarios):
        seed = (search_seed << 32) + number
        if not guided:
            tape = Tape(seed)
        elif not len(archive) or generator.random() < FRESH_SHARE:
            tape = tape_of(seed)
        else:
            tape = archive.next_tape(seed)
        try:
            archive.add(tape, _run(make, tape, guided))
        except Violation as violation:
            return Found(number + 1, violation.invariant, len(archive))
    return Found(max_scenarios, None, len(archive))


def _run(make: Maker, tape: Tape, guided: bool) -> dict[int, Any]:
    """Run a scenario; return the states that it met, each with its place on the tape."""
    seen: dict[int, Any] = {}
    scenario = make(tape)

    def notice(state: int) -> None:
        if state not in seen:
            seen[state] = tape.place()

    if guided:
        scenario.notice = notice
    scenario.run()
    return seen
