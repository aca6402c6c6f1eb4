"""How processors share a circuit of the user's own, gate by gate: who holds which qubit, and where pairs are spent.
Ours.

A gate between two processors uses a copy of a qubit's value: of the eigenvalue of the Pauli operator by which the gate
acts on that qubit. The pair that makes the copy, Phi+ with weight w (its Werner parameter) and else one of the four
Bell states at random, flips the copy with probability (1 - w) / 2 and, independently of that once it errs, applies that
Pauli operator to the qubit. A flipped copy turns each of its rotations the other way round, and adds to CX or CZ the
Pauli operator of its other side. All gates of a copy, and of copies made from it, meet the same error. A qubit moves to
another processor by a copy that stays in its place: a flipped one is the qubit, flipped.

A copy that waits in its memory is depolarized there, which does to this copy alone what a pair that errs does. Copies
that are kept over gates by which others only flip their qubit are flipped by the values of these others. Meanwhile an
error of another copy of the qubit that applies the Pauli operator flips the qubit and not the kept copies.

A data qubit that waits relaxes by itself: its copies keep what they hold. Where copies are out it is depolarized
instead (what its memory does, twirled, as it is of pairs and copies): the Paulis that do not commute with the value of
a copy flip the qubit and not this copy.

So a state has a part for each set of flipped copies; or, with the signs of flips in place of these, a sector for each
set of flags, the first of which is the density matrix itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from ceas_ray.quantum.shot_clock import ShotEvent


class Teleportation(NamedTuple):
    """A qubit goes from one processor to another by the pair of a place: X, Y and Z are multiplied by its w."""

    qubit: int
    place: int


class ValueCopy(NamedTuple):
    """A copy of a qubit's value, the eigenvalue of `pauli`, by the pair of a place; `flag` says whether it is flipped.

    A flag is a number from 0; it is used again once no copy depends on it. kept: the flags (bits) that `pauli` on the
    qubit changes, which are those of copies that are kept from before.
    """

    qubit: int
    pauli: str
    flag: int
    place: int
    kept: int = 0


class Wait(NamedTuple):
    """A copy has waited in its memory. pauli, kept: as of a copy; flips: the flags (bits) that change if it is flipped.

    column: of its Werner parameter among those of places and waits.
    """

    qubit: int
    pauli: str
    flips: int
    kept: int
    column: int


class Move(NamedTuple):
    """A copy takes the place of its qubit, on which `pauli` has acted if an odd number of `flags` (bits) is set."""

    qubit: int
    pauli: str
    flags: int


class QubitWait(NamedTuple):
    """A data qubit has waited: it relaxes or, where copies of it were out when the wait began, or where it is still to
    flip kept copies, is depolarized.

    axes: of the values, at most two, of which copies are out when it ends, as Bloch vectors. flips: of each, the flags
    (bits) that change if the qubit flips and its copies do not. column: the first of three: what is left of X and Y, of
    Z, and of the share that does not fall to |0>.
    """

    qubit: int
    is_copied: bool
    axes: tuple[tuple[float, float, float], ...]
    flips: tuple[int, ...]
    column: int


PairStep = Teleportation | ValueCopy | Wait | Move | QubitWait

COLUMNS_OF_QUBIT_WAIT = 3


@dataclass(frozen=True)
class Sharing:
    """ends: between whom each pair of a shot is shared, by place: (from, to) by member, or HUB.

    holders: of each section, the member that holds each qubit. sections: the section of each gate of the circuit: whose
    noise it has. steps: the gate's number before which each pair is spent or a qubit moves, and how, in order. flags:
    of each gate, of the values of its first and its second qubit, the flags that say that they are flipped, as bits.
    waits: of each wait, the place of the pair that made the copy. events: of a shot, for `shot_times`. qubit_waits: of
    each wait of a data qubit, the member that holds it; empty where data qubits wait without loss.
    """

    ends: tuple[tuple[int, int], ...]
    holders: tuple[tuple[int, ...], ...]
    sections: tuple[int, ...]
    steps: tuple[tuple[int, PairStep], ...]
    flags: tuple[tuple[int, int], ...]
    waits: tuple[int, ...] = ()
    events: tuple[ShotEvent, ...] = ()
    qubit_waits: tuple[int, ...] = ()

    @property
    def columns(self) -> int:
        """How many numbers an execution has: the Werner parameters of all places and of all waits of copies, then three
        for each wait of a data qubit.
        """
        return len(self.ends) + len(self.waits) + COLUMNS_OF_QUBIT_WAIT * len(self.qubit_waits)

    @cached_property
    def sectors(self) -> int:
        """The number of sectors of a state: a factor of two for each flag that is in use at a time."""
        flags = [step.flag for _, step in self.steps if isinstance(step, ValueCopy)]
        return 2 ** (max(flags, default=-1) + 1)
