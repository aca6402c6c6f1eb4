"""When what a shot of a shared circuit does happens, and how long pairs and copies wait in memories meanwhile. Ours.

Everything is done as early as it can be. All pairs of a shot are there when it begins, and wait in two memories until
they are spent. A copy is good once the outcome that corrects it has arrived (L / c); from then on it waits in its
memory between its uses. When a copy ends, its outcome travels to the qubit, and the next gate there that does not
commute with the correction (Z in the basis of the copy) waits for it. A data qubit waits from one of its gates or
copies to the next: for the other side of a gate, or for an outcome. Before the first it is not prepared yet, after the
last it is measured at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NO_WAIT = -1
"""In place of a wait: a qubit's own holder, or a copy's first use."""


class PairSpent(NamedTuple):
    """The pair of a place makes a copy, or teleports a qubit, whose value keeps its number then.

    source, target: numbers of values. ends: between which members. wait: of the source, until now.
    """

    place: int
    source: int
    target: int
    ends: tuple[int, int]
    wait: int = NO_WAIT


class GateDone(NamedTuple):
    """A gate on one or two values.

    waits: of each value that is a copy, until now. corrected: whether each must have its corrections by then.
    qubit_waits: of each value that is a data qubit, until now; empty where no record is kept.
    """

    values: tuple[int, ...]
    waits: tuple[int, ...]
    corrected: tuple[bool, ...]
    qubit_waits: tuple[int, ...] = ()


class CopyEnded(NamedTuple):
    """A value ends right after its last use; `holder` takes the correction. ends: from whose to whose place."""

    value: int
    holder: int
    ends: tuple[int, int]
    wait: int = NO_WAIT


ShotEvent = PairSpent | GateDone | CopyEnded


class ShotTimes(NamedTuple):
    """All in seconds. until_spent (places,): from the begin of the shot; until_used (places,): from a copy's correction
    to its first use; waits (W,): between uses; length: of the shot; qubit_waits: of data qubits, of which a record is
    kept."""

    until_spent: NDArray[np.float64]
    until_used: NDArray[np.float64]
    waits: NDArray[np.float64]
    length: float
    qubit_waits: NDArray[np.float64]


class GateSeconds(NamedTuple):
    """How long a gate takes."""

    one_qubit: float
    two_qubit: float


def shot_times(
    events: Sequence[ShotEvent],
    *,
    places: int,
    waits: int,
    latency: Callable[[int, int], float],
    gates: GateSeconds,
    qubit_waits: int = 0,
) -> ShotTimes:
    """Return the times of a shot's events, which come in an order in which they can be done.

    places, waits, qubit_waits: how many there are. latency: between two members, or the hub and one, s.
    """
    clock = _Clock(places, waits, qubit_waits)
    for event in events:
        if isinstance(event, PairSpent):
            begin = clock.ready.get(event.source, 0.0)
            clock.use(event.source, event.wait, begin)
            clock.until_spent[event.place] = begin
            clock.acted[event.source] = begin
            arrives = begin + latency(*event.ends)
            clock.ready[event.target] = clock.since[event.target] = clock.acted[event.target] = arrives
            if event.target != event.source:
                clock.unused[event.target] = event.place
        elif isinstance(event, GateDone):
            begin = max(
                max(clock.ready.get(value, 0.0), clock.corrections.pop(value, 0.0) if corrected else 0.0)
                for value, corrected in zip(event.values, event.corrected, strict=True)
            )
            end = begin + (gates.two_qubit if len(event.values) == 2 else gates.one_qubit)
            clock.note_qubits(event, begin)
            for value, wait in zip(event.values, event.waits, strict=True):
                clock.use(value, wait, begin)
                clock.ready[value] = clock.since[value] = clock.acted[value] = end
        else:
            clock.end(event, latency(*event.ends))
    length = max([0.0, *clock.ready.values(), *clock.corrections.values()])
    return ShotTimes(clock.until_spent, clock.until_used, clock.waits, length, clock.qubit_waits)


class _Clock:
    """ready: from when on a value is free; since: from when on it waits, outcomes that come being uses; acted: the same
    without these; corrections: when a value has them all; unused: the places of the pairs that made the copies without
    a use so far."""

    def __init__(self, places: int, waits: int, qubit_waits: int) -> None:
        self.ready: dict[int, float] = {}
        self.since: dict[int, float] = {}
        self.acted: dict[int, float] = {}
        self.corrections: dict[int, float] = {}
        self.unused: dict[int, int] = {}
        self.until_spent, self.until_used, self.waits = np.zeros(places), np.zeros(places), np.zeros(waits)
        self.qubit_waits = np.zeros(qubit_waits)

    def use(self, value: int, wait: int, now: float) -> None:
        """Note how long a copy has waited; a qubit's own holder keeps no record."""
        waited = now - self.since.get(value, now)
        if value in self.unused:
            self.until_used[self.unused.pop(value)] = waited
        elif wait != NO_WAIT:
            self.waits[wait] = waited
        self.since[value] = now

    def end(self, event: CopyEnded, latency: float) -> None:
        """Note the end of a value, or that a copy is the qubit from now on."""
        ended = self.ready.get(event.value, 0.0)
        now = max(ended, self.ready.get(event.holder, 0.0))
        if event.wait != NO_WAIT or event.holder in self.unused:
            self.acted[event.holder] = now
        self.use(event.holder, event.wait, now)
        arrives = max(ended + latency, self.corrections.pop(event.value, 0.0))
        self.corrections[event.holder] = max(self.corrections.get(event.holder, 0.0), arrives)

    def note_qubits(self, event: GateDone, now: float) -> None:
        """Note how long the data qubits of a gate have waited; one that has just moved may not have waited at all."""
        for value, wait in zip(event.values, event.qubit_waits, strict=False):
            if wait != NO_WAIT:
                self.qubit_waits[wait] = max(0.0, now - self.acted.get(value, now))
