"""TetraBFT's voting rules alone, against an adversary that lets Byzantine replicas say anything to anyone at any time.

Only honest replicas have a state: the view entered, and in every view and phase no vote, or one for value 1 or 2. What
counts Q replicas needs Q - f honest ones here, B needs one, for the f Byzantine ones help where they can. What the
model forbids, no message can cause; that what the code does is always a step of the model is shown by `conformance`.

A replica is one integer: view + 1 in the lowest 3 bits, then 2 bits for each view and phase.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.quorum import Quorums

PHASES, VALUES = 4, (1, 2)
MOST_VIEWS = 7
ENTER_WEIGHTS = (0.15, 0.5, 1.5)
"""Of entering a view, beside 1 for a vote, by seed: with the first most walks decide, with the last views are short."""
_NOTHING, _DISAGREEMENT, _NO_ACCEPTANCE = 0, 1, 2

_compiled = njit(cache=True, nogil=True, error_model="numpy")


@_compiled
def vote_of(replica, view, phase):  # type: ignore[no-untyped-def]
    """0 for none, else 1 or 2."""
    return (replica >> (3 + 2 * (4 * view + phase - 1))) & 3


@_compiled
def _highest(replica, phase, below):  # type: ignore[no-untyped-def]
    """View and value of the highest vote of a phase in a view < below; (-1, 0) if there is none."""
    for view in range(below - 1, -1, -1):
        value = vote_of(replica, view, phase)
        if value:
            return view, value
    return -1, 0


@_compiled
def _claims(replica, phase, value, below, earlier):  # type: ignore[no-untyped-def]
    """Whether it voted since view `earlier` for the value, or for both (then one of them is its `previous`)."""
    if earlier == 0:
        return True
    other = 0
    for view in range(below - 1, earlier - 1, -1):
        vote = vote_of(replica, view, phase)
        if vote == value or (vote and other and vote != other):
            return True
        other = other or vote
    return False


@_compiled
def is_safe(replicas, view, value, low, high, quorum, blocking):  # type: ignore[no-untyped-def]
    """The rule safe(M, v, r), M all honest replicas in view r or later; `low`, `high`: the phases that M shows."""
    if view == 0:
        return True
    shown = unvoted = 0
    for replica in replicas:
        if (replica & 7) > view:
            shown += 1
            unvoted += _highest(replica, high, view)[0] < 0
    if shown < quorum:
        return False
    if unvoted >= quorum:
        return True
    for earlier in range(view - 1, -1, -1):
        open_to = claims = 0
        for replica in replicas:
            if (replica & 7) > view:
                at, for_value = _highest(replica, high, view)
                open_to += at < earlier or (at == earlier and for_value == value)
                claims += _claims(replica, low, value, view, earlier)
        if open_to >= quorum and claims >= blocking:
            return True
    return False


@_compiled
def is_enabled(replicas, who, view, phase, value, quorum, blocking):  # type: ignore[no-untyped-def]
    """Whether honest replica `who` may enter `view` (phase 0), vote, or decide (phase 5); thresholds count honest."""
    entered = (replicas[who] & 7) - 1
    if phase == 0:
        return view > entered
    if phase == 1:
        return view == entered and vote_of(replicas[who], view, 1) == 0 and is_safe(
            replicas, view, value, 1, 4, quorum, blocking
        )  # fmt: skip
    if phase <= 4 and (view != entered or vote_of(replicas[who], view, phase) != 0):
        return False
    count = 0
    for replica in replicas:
        count += vote_of(replica, view, phase - 1) == value
    return count >= quorum


@_compiled
def after(replica, view, phase, value):  # type: ignore[no-untyped-def]
    """A replica after it entered a view (phase 0) or voted."""
    if phase == 0:
        return (replica & ~7) | (view + 1)
    return replica | (value << (3 + 2 * (4 * view + phase - 1)))


@_compiled
def _steps(replicas, views, quorum, blocking, found):  # type: ignore[no-untyped-def]
    """All steps that are possible, as rows (who, view, phase, value) of `found`; returns how many."""
    count = 0
    for who in range(len(replicas)):
        entered = (replicas[who] & 7) - 1
        for view in range(entered + 1, views):
            found[count] = (who, view, 0, 0)
            count += 1
        if entered < 0:
            continue
        for phase in range(1, 5):
            for value in range(1, 3):
                if is_enabled(replicas, who, entered, phase, value, quorum, blocking):
                    found[count] = (who, entered, phase, value)
                    count += 1
    return count


@_compiled
def _fault(replicas, views, faults, quorum, blocking):  # type: ignore[no-untyped-def]
    """Safety: two values decided. Liveness, apart: all are in one view, and what its leader may propose is refused.

    The leader may propose what the suggests allow with Byzantine help; the others must accept by honest proofs alone;
    and honest suggests alone must allow something.
    """
    decided = 0
    for view in range(views):
        for value in range(1, 3):
            count = 0
            for replica in replicas:
                count += vote_of(replica, view, 4) == value
            if count >= quorum:
                decided |= value
    if decided == 3:
        return _DISAGREEMENT
    view = (replicas[0] & 7) - 1
    for replica in replicas:
        if (replica & 7) - 1 != view or view < 0:
            return _NOTHING
    possible = False
    for value in range(1, 3):
        possible = possible or is_safe(replicas, view, value, 2, 3, quorum + faults, blocking + faults)
        if is_safe(replicas, view, value, 2, 3, quorum, blocking) and not is_safe(
            replicas, view, value, 1, 4, quorum + faults, blocking + faults
        ):
            return _NO_ACCEPTANCE
    return _NOTHING if possible else _NO_ACCEPTANCE


@_compiled
def _packed(replicas, bits, symmetric):  # type: ignore[no-untyped-def]
    """The state as one integer; symmetric: the least of its images when replicas and the two values are exchanged."""
    best = np.int64(-1)
    for swap in range(2 if symmetric else 1):
        image = replicas.copy()
        if swap:
            for k in range(len(image)):
                votes = image[k] >> 3
                votes = ((votes & 0x5555555555555555) << 1) | ((votes >> 1) & 0x5555555555555555)
                image[k] = (votes << 3) | (image[k] & 7)
        if symmetric:
            image.sort()
        total = np.int64(0)
        for replica in image:
            total = (total << bits) | replica
        if best < 0 or total < best:
            best = total
    return best


@_compiled
def _remember(table, state):  # type: ignore[no-untyped-def]
    """Whether it is new; an open-addressed table of states + 1."""
    mask = len(table) - 1
    place = (np.uint64(state) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)
    at = np.int64(place & np.uint64(mask))
    while table[at]:
        if table[at] == state + 1:
            return False
        at = (at + 1) & mask
    table[at] = state + 1
    return True


@_compiled
def _explore(honest, views, faults, quorum, blocking, symmetric, table):  # type: ignore[no-untyped-def]
    """Depth first over all states; returns states, and how many break safety and liveness."""
    bits = 3 + 8 * views
    waiting = np.empty(len(table), np.int64)
    found = np.empty((honest * (views + 8), 4), np.int64)
    replicas, here = np.zeros(honest, np.int64), np.zeros(honest, np.int64)
    waiting[0] = _packed(here, bits, symmetric)
    _remember(table, waiting[0])
    left = states = 1
    broken = np.zeros(3, np.int64)
    while left:
        left -= 1
        state = waiting[left]
        for k in range(honest):
            here[honest - 1 - k] = (state >> (bits * k)) & ((1 << bits) - 1)
        broken[_fault(here, views, faults, quorum, blocking)] += 1
        for number in range(_steps(here, views, quorum, blocking, found)):
            who, view, phase, value = found[number]
            replicas[:] = here
            replicas[who] = after(here[who], view, phase, value)
            following = _packed(replicas, bits, symmetric)
            if _remember(table, following):
                states += 1
                if 2 * states > len(table):
                    return states, np.int64(-1), np.int64(-1)
                waiting[left] = following
                left += 1
    return states, broken[_DISAGREEMENT], broken[_NO_ACCEPTANCE]


@_compiled
def _walk(honest, views, faults, quorum, blocking, enter_weight, numbers, taken):  # type: ignore[no-untyped-def]
    """One walk until nothing is possible; the steps go to `taken`; returns steps and the first fault."""
    replicas = np.zeros(honest, np.int64)
    found = np.empty((honest * (views + 8), 4), np.int64)
    for length in range(len(taken)):
        count = _steps(replicas, views, quorum, blocking, found)
        if count == 0:
            return length, _NOTHING
        total = 0.0
        for number in range(count):
            total += enter_weight if found[number, 2] == 0 else 1.0
        left = numbers[length] * total
        number = 0
        while number < count - 1:
            left -= enter_weight if found[number, 2] == 0 else 1.0
            if left < 0:
                break
            number += 1
        who, view, phase, value = found[number]
        taken[length] = found[number]
        replicas[who] = after(replicas[who], view, phase, value)
        fault = _fault(replicas, views, faults, quorum, blocking)
        if fault:
            return length + 1, fault
    return len(taken), _NOTHING


@dataclass(frozen=True)
class Explored:
    """Distinct states, how many of them have two decided values, in how many a good leader may be refused."""

    states: int
    disagreements: int
    refusals: int


@dataclass(frozen=True)
class Walk:
    """Steps (who, view, phase, value; phase 0 enters a view), int64 (steps, 4), and what they break, if anything."""

    steps: NDArray[np.int64]
    broken: str | None


@dataclass(frozen=True)
class AbstractModel:
    """n replicas, views 0 .. views - 1. weaker_quorum, weaker_blocking: how many fewer than Q and B suffice (tests)."""

    replicas: int
    views: int
    weaker_quorum: int = 0
    weaker_blocking: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.views <= MOST_VIEWS:
            raise ValueError(f"an abstract model has 1 to {MOST_VIEWS} views, got {self.views}")

    @property
    def faults(self) -> int:
        """f."""
        return Quorums(self.replicas).faults

    @property
    def honest(self) -> int:
        """How many replicas have a state."""
        return self.replicas - self.faults

    @property
    def thresholds(self) -> tuple[int, int]:
        """Q - f and B - f: how many honest ones it takes."""
        quorums, faults = Quorums(self.replicas), self.faults
        return quorums.quorum - faults - self.weaker_quorum, quorums.blocking - faults - self.weaker_blocking

    def explore(self, symmetric: bool = True, most_states: int = 2**22) -> Explored:
        """Every reachable state; ValueError if they are more than `most_states` or do not fit in 63 bits."""
        if self.honest * (3 + 8 * self.views) > 63:
            raise ValueError(f"{self.replicas} replicas and {self.views} views have too many states to visit them all")
        table = np.zeros(1 << (2 * most_states - 1).bit_length(), np.int64)
        found = _explore(self.honest, self.views, self.faults, *self.thresholds, symmetric, table)
        if found[1] < 0:
            raise ValueError(f"more than {most_states} states")
        return Explored(*(int(count) for count in found))

    def walk(self, seed: int) -> Walk:
        """A random one."""
        longest = self.honest * self.views * (1 + PHASES)
        numbers = Streams(seed).generator("exploration", "abstract", "draws", 0).random(longest)
        taken = np.zeros((longest, 4), np.int64)
        weight = ENTER_WEIGHTS[seed % len(ENTER_WEIGHTS)]
        length, fault = _walk(self.honest, self.views, self.faults, *self.thresholds, weight, numbers, taken)
        broken = {_DISAGREEMENT: "agreement", _NO_ACCEPTANCE: "an honest leader's proposal is accepted"}.get(fault)
        return Walk(taken[:length], broken)
