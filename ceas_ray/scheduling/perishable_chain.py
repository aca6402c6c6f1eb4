"""The Markov decision process of one link with perishable pairs, and its solution. Ours.

A burst runs in slots of one shot period, a gap in slots of 1/M of it (M = `gap_slots`). A pair born in a burst's slot
can serve the shot at that slot's end and those at the ends of the next K - 1 slots, K = useful age in shot periods; a
pair of age a at the start of a burst can serve its first shot if a < K - 1.

- **state**: stock by age: in a burst (n_1 .. n_{K-1}), pairs by how many slots they have lived; in a gap (n_1 ..
  n_{(K-1) M}), by age in its finer slots; older pairs can serve no more and are gone. At most `slots` in all (in a gap
  at most `gap_stock`). The phase: a gap (memoryless of mean `gap`, or periodic, with the number of slots to the next
  burst), or a burst, with the number of shots left;
- **action**: b, how many births the link lets happen in this slot: it makes no more attempts after the b-th;
- **transition**: births j = X if X < b, else b and those that the b-th one's attempt heralds beyond it, X ~
  Binomial(trials of the slot, success); those that find no place are lost; at the slot's end a burst serves a
  shot from the oldest pairs if there are `pairs` of them; the rest age by one class; before each of its slots a
  memoryless gap ends with probability q = 1 - exp(-1 / (M gap));
- **reward**: `shot_value` times the precision of a served shot, minus `birth_price` for every birth.

The *precision* of a shot is the square of its contrast, next to that of a shot whose pairs are all fresh: with w_i what
age has left of the Werner parameters of its p pairs, an observable of Pauli weight s keeps w^s, and the mean weight is
about p / 2, so it is (mean of w_i)^p. Shots add up: the variance of a gradient falls as the sum of their precisions
grows. Where pairs do not decay (`decay` 0) it is 1, and what is served is all that counts. A pair born in a slot has
lived (A + 1) / (2 A) of it on average at its end, with A attempts in a slot: exact for one attempt, else but for births
that a limit stops early in their slot.

The price of a channel: attempts on a channel that is held succeed with a fixed probability, so by Wald's identity the
time held is births / rate on average, and a price pi for channel time adds pi / rate to the price of a birth.
A pair at its expiry could be measured for key; pairs between the hub and a processor give no key that anybody spends
here (keys join processors and replicas), so that reward is zero.

The process forgets its stock within K slots, so value iteration over whole cycles (gap, then burst, backwards)
converges in a few.

**The relaxed chain** bounds every scheduler of the link in continuous time that knows the past and the phase, whatever
its rule. In a slot it chooses the births with the slot's draws known, and nothing comes along that it did not choose.
Pairs are as old as the youngest of their class, and a shot is worth what the freshest pairs would make it while the
oldest are gone.
If a burst begins at some moment within a gap's slot, it finds all pairs as young as at the slot's start, with all
births that the scheduler would have made in the whole slot, and pays for none of these; what it does is chosen without
knowing that the burst begins. Pairs that can
serve no more take no memory, and one more attempt than a slot holds may end in it. Each of these only adds to what a
scheduler could do, and more stock never hurts, so its value is an upper bound; its dual, one under constraints. Where
pairs do not outlive a gap it is enough to know of as many as a burst can use, if the oldest make room for new ones
(`has_room`): those that go could serve nothing but in the place of fresher ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from math import expm1, inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.compiled_code import COMPILED, njit
from ceas_ray.scheduling.births_of_a_slot import binomial, heralded_beyond
from ceas_ray.scheduling.measures import utilization
from ceas_ray.scheduling.stocks import state_number, stock_states

_TOLERANCE = 1e-9  # far above what equally good policies that take turns differ by
_TIE = 1e-12  # what one more birth must be worth
_MAX_SWEEPS = 10_000
StateValues = NDArray[np.float64]


@dataclass(frozen=True)
class LinkClass:
    """A link and its demand, as far as a scheduler cares. Links that are alike here share one solution.

    slots: memory slots. pairs: per shot. burst: shots in a burst. gap: mean gap in shot periods; periodic: gaps are all
    the same and known. classes: K, the useful age in shot periods. trials: in a slot of a shot period, `modes` of them
    in each attempt; success: of each. first_trials: in the slot of a burst's first shot. decay: what a shot period
    takes from the logarithm of a pair's Werner parameter.
    """

    slots: int
    pairs: int
    burst: int
    gap: float
    periodic: bool
    classes: int
    trials: int
    success: float
    first_trials: int
    modes: int = 1
    decay: float = 0.0

    def __post_init__(self) -> None:
        """Raise ValueError for a demand that the link cannot serve."""
        if self.slots < self.pairs:
            raise ValueError(f"a link's slots must hold the {self.pairs} pairs of a shot, got {self.slots}")
        if self.classes < 1:
            raise ValueError("a pair must stay useful for at least one shot period, got less")
        if not 0 < self.success <= 1 or self.trials < 1:
            raise ValueError(
                f"a link must succeed now and then: at least one trial with success in (0, 1], got {self.trials} "
                f"with {self.success}"
            )
        if not 0 <= self.decay < inf:
            raise ValueError(f"a pair must decay by a finite part >= 0 in a shot period, got {self.decay}")

    @property
    def forgets(self) -> bool:
        """Return whether no pair outlives a gap, which is known."""
        return self.periodic and self.gap >= self.classes

    @property
    def attempts(self) -> int:
        """Return the attempts in a slot of a shot period."""
        return max(1, self.trials // self.modes)

    @property
    def births_over_demand(self) -> float:
        """Return the births that a shot period allows, over the pairs of a shot."""
        return self.trials * self.success / self.pairs


@dataclass(frozen=True)
class Solution:
    """The optimal policy and its values. Averages are per shot of the demand.

    gap_births, burst_births: the most births of a slot, uint8: (phases, states of a gap), phases by slots to a periodic
    burst (1 first) or just one; (burst, states of a burst), by shots left (1 first). births, served, precision:
    averages. value: shot_value * precision - birth_price * births.
    """

    gap_births: NDArray[np.uint8]
    burst_births: NDArray[np.uint8]
    gap_gain: NDArray[np.float32]
    burst_gain: NDArray[np.float32]
    births: float
    served: float
    precision: float
    value: float

    def utilization(self, pairs: int) -> float:
        """Return the pairs used over the pairs generated."""
        return utilization(pairs * self.served, self.births)

    def objective(self, pairs: int, waste_price: float) -> float:
        """Return J = on time - waste_price * wasted / demanded."""
        return self.served - waste_price * (self.births / pairs - self.served)


@njit(**COMPILED)
def _aged(stock, births, take, ages, into):  # type: ignore[no-untyped-def]
    """Return the stock after a slot: `take` of the oldest are used, births join class 1, the rest age by one class or
    stay.
    """
    into[:] = 0
    for k in range(len(stock) - 1, -1, -1):
        used = min(take, stock[k])
        take -= used
        older = k + 1 if ages else k
        if older < len(stock):
            into[older] += stock[k] - used
    if len(stock) > 0:
        into[0] += births - take
    return into


class _Slot(NamedTuple):
    """A slot of a chain.

    states (S, digits), counts: as of `stock_states`. pairs: of the shot at its end, 0: none. left: what age has left of
    Werner parameters at its end, of its own births and then of every class, (digits + 1,). mass: P(X). beyond: as of
    `heralded_beyond`. has_room: whether the oldest pairs make room for new ones.
    """

    states: NDArray[np.int64]
    counts: NDArray[np.int64]
    pairs: int
    left: NDArray[np.float64]
    mass: NDArray[np.float64]
    beyond: NDArray[np.float64]
    shot_value: float
    birth_price: float
    relaxed: bool
    has_room: bool


class _Choice(NamedTuple):
    """The choice in each state: the most births, and what they are worth over none. frozen: the births stay."""

    births: NDArray[np.uint8]
    gain: NDArray[np.float32]
    frozen: bool


@njit(**COMPILED)
def _shot_precision(slot, stock, births):  # type: ignore[no-untyped-def]
    """Return the precision of a shot that takes the oldest pairs (relaxed: that is worth what the freshest are)."""
    if slot.left[-1] == 1.0:
        return 1.0
    missing, left = slot.pairs, 0.0
    for place in range(len(stock) + 1):
        k = place if slot.relaxed else len(stock) - place
        taken = min(missing, births if k == 0 else stock[k - 1])
        missing -= taken
        left += taken * slot.left[k]
    return (left / slot.pairs) ** slot.pairs


@njit(**COMPILED)
def _fill_births(slot, stock, later, interrupted, interruption, into, found):  # type: ignore[no-untyped-def]
    """Fill found (births, 3): the values at a slot's start for each number of births; into: scratch (digits,)."""
    max_in_all, held = slot.counts.shape[1] - 2, np.sum(stock)
    for j in range((max_in_all if slot.has_room else max_in_all - held) + slot.beyond.shape[1]):
        now = found[j]
        excess = max(0, held + j - max_in_all)
        if excess > 0 and not slot.has_room:  # one more that finds no place
            now[:] = found[j - 1]
            now[0] -= slot.birth_price
            now[1] += 1
            continue
        served = slot.pairs > 0 and held + j >= slot.pairs
        gone = max(excess, slot.pairs if served else 0)
        n = state_number(_aged(stock, j, gone, True, into), slot.counts)
        gained = slot.shot_value * _shot_precision(slot, stock, j) if served else 0.0
        now[0] = later[0, n] - slot.birth_price * j + gained
        now[1], now[2] = later[1, n] + j, later[2, n] + served
        if interrupted > 0.0:
            n = state_number(_aged(stock, j, excess, False, into), slot.counts)
            for v in range(3):
                now[v] = (1.0 - interrupted) * now[v] + interrupted * interruption[v, n]


@njit(**COMPILED)
def _slot_backwards(slot, later, interrupted, interruption, choice):  # type: ignore[no-untyped-def]
    """Return the values (3, states) at a slot's start (of the objective, of births, of shots served), from `later` at
    its end.

    interrupted: with this probability a burst begins within the slot; then the slot's births are free, nothing ages,
    and the values are those of `interruption` (relaxed chains only). Fills `choice`.
    """
    out, mass = np.empty_like(later), slot.mass
    into = np.zeros(slot.states.shape[1], np.int64)
    max_in_all, max_beyond = slot.counts.shape[1] - 2, slot.beyond.shape[1] - 1
    of_births = np.empty((max_in_all + max_beyond + 1, 3))
    for s in range(len(slot.states)):
        held = 0 if slot.has_room else np.sum(slot.states[s])
        tail = 1.0  # P(X >= j)
        best, chosen = np.zeros(3), 0  # the best policy's values; relaxed: those of the best number of births until j
        summed, stopped = np.zeros(3), np.zeros(3)  # summed over X < j; stopped: after the j-th birth
        _fill_births(slot, slot.states[s], later, interrupted, interruption, into, of_births)
        for j in range(max_in_all - held + 1):
            now = of_births[j]
            if slot.relaxed:
                if j == 0 or now[0] > best[0]:
                    best[:] = now
                summed += (mass[j] if held + j < max_in_all else tail) * best
            else:
                for v in range(3):
                    stopped[v] = summed[v]
                    for e in range(max_beyond + 1):
                        stopped[v] += tail * slot.beyond[j, e] * of_births[j + e, v]
                if j == choice.births[s] if choice.frozen else (j == 0 or stopped[0] > best[0] + _TIE):
                    best[:] = stopped
                    chosen = j
                summed += mass[j] * now
            tail = max(0.0, tail - mass[j])
        out[:, s] = summed if slot.relaxed else best
        choice.births[s], choice.gain[s] = chosen, best[0] - of_births[0, 0]
    return out


class _Chain:
    """One link's chain with its prices; values have shape (3, states)."""

    def __init__(
        self, link: LinkClass, *, gap_slots: int, gap_stock: int, prices: tuple[float, float], relaxed: bool
    ) -> None:
        if has_room := relaxed and link.forgets:
            link = replace(link, slots=min(link.slots, link.pairs * link.burst))
            gap_stock = link.slots
        self.link, self.gap_slots, self.prices, self.relaxed = link, gap_slots, prices, relaxed
        self.has_room = has_room
        self.frozen = False
        self.burst_states, self.burst_counts = stock_states(link.slots, link.classes - 1)
        self.gap_states, self.gap_counts = stock_states(gap_stock, (link.classes - 1) * gap_slots)
        extra = link.modes if relaxed else 0  # an attempt that is under way when the slot begins
        self.mass = binomial(link.trials + extra, link.success, link.slots)
        self.first_mass = binomial(link.first_trials + extra, link.success, link.slots)
        of_gap = max(1, round(link.trials / gap_slots))
        self.gap_mass = binomial(of_gap + extra, link.success, gap_stock)
        modes = 1 if relaxed else link.modes
        self.beyond = heralded_beyond(link.trials, link.success, modes, link.slots)
        self.first_beyond = heralded_beyond(link.first_trials, link.success, modes, link.slots)
        self.gap_beyond = heralded_beyond(of_gap, link.success, modes, gap_stock)
        self.phases = round(link.gap * gap_slots) if link.periodic else 1
        self.gap_births = np.zeros((self.phases, len(self.gap_states)), np.uint8)
        self.burst_births = np.zeros((link.burst, len(self.burst_states)), np.uint8)
        self.gap_gain = np.zeros(self.gap_births.shape, np.float32)
        self.burst_gain = np.zeros(self.burst_births.shape, np.float32)
        self.from_gap, self.from_burst = self._maps()
        of_births = 0.0 if relaxed else (link.attempts + 1) / (2 * link.attempts)
        self.left = np.exp(-link.decay * (of_births + np.arange(link.classes)))

    def _maps(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return which burst state a gap state becomes when a burst begins, and which gap state a burst state when it
        ends."""
        slots, digits = self.gap_slots, self.link.classes - 1
        coarse = self.gap_states.reshape(len(self.gap_states), digits, slots).sum(axis=2)
        from_gap = np.array([state_number(stock, self.burst_counts) for stock in coarse])
        fine = np.zeros((len(self.burst_states), digits, slots), np.int64)
        fine[:, :, 0 if self.relaxed else -1] = self.burst_states  # their ages within the class are not known
        kept = fine.reshape(len(fine), digits * slots)
        in_all = np.minimum(np.cumsum(kept, axis=1), self.gap_counts.shape[1] - 2)  # what is beyond goes, oldest first
        kept = np.diff(in_all, axis=1, prepend=0)
        return from_gap, np.array([state_number(stock, self.gap_counts) for stock in kept])

    def burst(self, later: StateValues) -> StateValues:
        """Step backwards from a burst's end to its start."""
        for left in range(1, self.link.burst + 1):
            first = left == self.link.burst
            mass, beyond = (self.first_mass, self.first_beyond) if first else (self.mass, self.beyond)
            slot = _Slot(
                self.burst_states, self.burst_counts, self.link.pairs, self.left, mass, beyond, *self.prices,
                self.relaxed, self.has_room,
            )  # fmt: skip
            choice = _Choice(self.burst_births[left - 1], self.burst_gain[left - 1], self.frozen)
            later = _slot_backwards(slot, later, 0.0, later, choice)
        return later

    def gap(self, burst: StateValues, guess: StateValues) -> StateValues:
        """Step backwards from a burst's start (values of gap states) to the start of the gap before it."""
        link = self.link
        slot = _Slot(
            self.gap_states, self.gap_counts, 0, self.left, self.gap_mass, self.gap_beyond, *self.prices, self.relaxed,
            self.has_room,
        )  # fmt: skip
        choices = [_Choice(self.gap_births[p], self.gap_gain[p], self.frozen) for p in range(self.phases)]
        if link.periodic:
            for choice in choices:
                burst = _slot_backwards(slot, burst, 0.0, burst, choice)
            return burst
        ends = -expm1(-1.0 / (link.gap * self.gap_slots)) if link.gap > 0 else 1.0
        for _ in range(_MAX_SWEEPS):
            if self.relaxed:
                new = _slot_backwards(slot, guess, ends, burst, choices[0])
            else:
                new = ends * burst + (1.0 - ends) * _slot_backwards(slot, guess, 0.0, burst, choices[0])
            change = new - guess
            if np.max(np.abs(change if self.frozen else change[0])) < _TOLERANCE:
                return new
            # a change that all states share would go on growing by (1 - ends) each sweep: add the whole series at once
            mean = np.mean(change, axis=1, keepdims=True)
            shared = np.ptp(change, axis=1, keepdims=True) < 0.01 * np.abs(mean)
            guess = new + np.where(shared, (1.0 - ends) / ends * mean, 0.0)
        raise AssertionError("the values of a gap do not converge")

    def cycle(self) -> StateValues:
        """Return the averages per cycle (3,), in the long run."""
        after_burst = before_gap = np.zeros((3, len(self.gap_states)))
        for _ in range(_MAX_SWEEPS):
            burst = self.burst(after_burst[:, self.from_burst])
            before_gap = self.gap(burst[:, self.from_gap], before_gap)
            gained = before_gap - after_burst
            spread = np.ptp(gained, axis=1)
            if np.max(spread if self.frozen else spread[0]) < 10 * _TOLERANCE:
                averages: StateValues = gained[:, 0]
                return averages
            after_burst = before_gap - before_gap[:, :1]
        raise AssertionError("the values of a cycle do not converge")


@lru_cache(maxsize=4096)
def solve(
    link: LinkClass, *, shot_value: float, birth_price: float, gap_slots: int, gap_stock: int, relaxed: bool = False
) -> Solution:
    """Return the policy of highest value per cycle and its averages.

    relaxed: the bound alone, whose policy means nothing. gap_slots: M. gap_stock: the most pairs in stock in a gap; a
    bound must allow all slots.
    """
    chain = _Chain(
        link,
        gap_slots=gap_slots,
        gap_stock=min(gap_stock, link.slots),
        prices=(shot_value, birth_price),
        relaxed=relaxed,
    )
    gained = chain.cycle()
    if not relaxed:  # equally good policies took turns while the values converged: the averages of the last one
        chain.frozen = True
        gained = chain.cycle()
    tables = chain.gap_births, chain.burst_births, chain.gap_gain, chain.burst_gain
    for table in tables:
        table.setflags(write=False)
    value, births, served = (float(average) for average in gained / link.burst)
    precision = served if link.decay == 0 else (value + birth_price * births) / shot_value
    return Solution(*tables, births, served, precision, value)
