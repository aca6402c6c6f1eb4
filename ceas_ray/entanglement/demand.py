"""The demand of rounds on the entanglement layer, and what key paths need to meet it. Pure functions. Ours."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ceas_ray.entanglement.rotation import Rotation, Turns
from ceas_ray.kernel.time import PICOSECONDS_PER_SECOND, seconds
from ceas_ray.messages.authentication import TAG_BITS
from ceas_ray.messages.frames import PACED_FRAMES
from ceas_ray.network.group import ProcessorGroup, ShotRoute
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.route import PairSource, Route, path_fidelity
from ceas_ray.quantum.bell_pairs import decayed_fidelity, key_rate
from ceas_ray.quantum.key_rates import finite_key_length, min_block
from ceas_ray.quantum.pair_physics import fidelity_of_werner, survival, werner_of_fidelity
from ceas_ray.scheduling.perishable_chain import LinkClass

_LONGEST_AGE_SECONDS = 1e6
_DECAY_MEASURED = 0.1
"""Decay is measured where a pair has lost so much of the logarithm of its Werner parameter."""
_MAX_IN_SUBSETS = 10
REPLICA_FRAMES = 8
"""Frames from one replica to another in a good round: echo, proposal (a leader's), four votes, decide, one spare."""
VIEW_CHANGE_FRAMES = 9 + 2 * PACED_FRAMES
"""One more view: change, proof, suggest, proposal, four votes, a second change, and all echoes and fetches that it
allows."""


@dataclass(frozen=True)
class Demand:
    """The demand of rounds on the entanglement layer.

    Shots come in bursts of `burst_shots`, one per shot period, with exponential gaps of mean `gap_periods` (or when a
    rotation says); the period of a link is such that its supply (generation rate over demand within a burst) is
    `supply`. A shot needs `pairs_per_shot` pairs at most `deadline_periods` after its release, none older than
    `useful_age_periods`, or (if given) below `min_fidelity`. test_share: of the shots. key_margin: key slots are that
    much longer than the mean. node_slots: memory slots that a node lends to all links together (None: as many as they
    ask for). finite_keys: whether key bits are those of finite blocks, a block per path and plan. stations: of a known
    rotation (None: as many as needed), for is_rotation. all_reply: every replica sends every processor the model, since
    plans leave no time to ask for one: shots need no pairs, or are few.
    """

    shots: int
    pairs_per_shot: int
    burst_shots: int
    gap_periods: float
    supply: float
    deadline_periods: float
    useful_age_periods: float
    min_fidelity: float | None
    slots: int
    hub_channels: int
    multiplexing: int
    test_share: float
    warm_up_test_shots: int
    key_useful_age: int
    key_margin: float
    fresh_hash_keys: bool
    node_slots: int | None = None
    finite_keys: bool = False
    is_rotation: bool = False
    stations: int | None = None
    all_reply: bool = False

    @property
    def rotation(self) -> Rotation | None:
        """Return the rotation in which parties are served; None where bursts come at random."""
        return Rotation(self.stations, self.burst_shots, self.gap_periods) if self.is_rotation else None

    def shot_period(self, link: PairSource) -> int:
        """Return the time between the shots of a burst on this link, ps."""
        return round(self.supply * self.pairs_per_shot / link.rate * PICOSECONDS_PER_SECOND)

    def useful_age(self, link: PairSource) -> int:
        """Return how long after emission a pair of this link may be used, ps; raises ValueError if it never may."""
        if self.min_fidelity is None:
            return round(self.useful_age_periods * self.shot_period(link))
        if link.fidelity <= self.min_fidelity:
            raise ValueError(
                f"entanglement.min_fidelity must be below the fidelity of every link or route, got "
                f"{self.min_fidelity} for one of {link.fidelity:.4f}"
            )
        age = min(link.age_at_fidelity(self.min_fidelity), _LONGEST_AGE_SECONDS)
        return int(age * PICOSECONDS_PER_SECOND)

    def shot_deadline(self, link: PairSource) -> int:
        """Return how long after its release a shot may execute, ps."""
        return round(self.deadline_periods * self.shot_period(link))

    def link_class(self, link: PairSource) -> LinkClass:
        """Return the link as schedulers see it: rounded, so that links that hardly differ share one solution."""
        period = self.shot_period(link)
        success = (
            float(f"{link.success_probability:.0e}")
            if link.success_probability < 0.1
            else (round(link.success_probability, 2))
        )
        births = round(link.modes * link.success_probability * period / link.attempt_period, 2)
        trials = max(1, round(births / success))
        first = self.deadline_periods - round(link.latency / period, 1 if self.is_rotation else 2)
        classes = self.useful_age(link) // period
        # Of a known gap only two useful ages count: until nothing is left of the last burst, and before the next one.
        gap = min(self.gap_periods, float(max(1, 2 * classes))) if self.is_rotation else self.gap_periods
        return LinkClass(
            slots=self.slots, pairs=self.pairs_per_shot, burst=self.burst_shots, gap=gap, periodic=self.is_rotation,
            classes=classes, trials=trials, success=success,
            first_trials=max(1, round(trials * first)), modes=link.modes, decay=self._decay(link),
        )  # fmt: skip

    def _decay(self, link: PairSource) -> float:
        """Return the fall of the logarithm of a pair's Werner parameter in a shot period, rounded to about 10 %."""
        if link.fidelity <= 0.25:
            return 0.0
        threshold = fidelity_of_werner(werner_of_fidelity(link.fidelity) * survival(_DECAY_MEASURED))
        decay = _DECAY_MEASURED / link.age_at_fidelity(threshold) * seconds(self.shot_period(link))
        return math.exp(round(5 * math.log(decay)) / 5) if decay > 0 else 0.0

    def of_route(self, part: ShotRoute, group: ProcessorGroup) -> Demand:
        """Return what the shots of a group ask of one of its routes: its own pairs, at the period of the whole group.

        Its supply is rounded to tenths, so that routes which hardly differ are of one class.
        """
        supply = self.supply * (part.route.rate / part.pairs) / (group.rate / group.pairs_per_shot)
        return replace(self, pairs_per_shot=part.pairs, supply=round(supply, 1))

    @property
    def test_shots(self) -> int:
        """Shots of a round that the hub tests."""
        return round(self.shots * self.test_share / (1 - self.test_share))

    def releases(self, link: PairSource, shots: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """Draw the release times (shots,), ascending, ps after the start of the plan."""
        period = self.shot_period(link)
        number = math.ceil(shots / self.burst_shots)
        gaps = np.round(generator.exponential(self.gap_periods * period, number)).astype(np.int64)
        starts = np.cumsum(gaps) + np.arange(number) * self.burst_shots * period
        return np.sort((starts[:, None] + np.arange(self.burst_shots) * period).ravel()[:shots])

    def bits(self, frames: int) -> int:
        """Return the key bits that `frames` tags from one sender to one receiver cost in a round."""
        return TAG_BITS * (frames + (1 if self.fresh_hash_keys else 0))


def phases(network: NetworkPlan, demand: Demand) -> tuple[tuple[int, ...], ...]:
    """Return who is served together: the hub's channels and stations and the legs' multiplexing suffice, slow links go
    together.

    A driven leg of a replica takes one hub channel, whatever it multiplexes. Raises ValueError if none is left.
    """
    replicas = len(network.replica_routes)
    channels = max(network.hub_channels(k) for k in range(len(network.processor_routes)))
    max_links = min((demand.hub_channels - replicas) // channels, replicas * (demand.multiplexing - 1))
    if demand.rotation is not None:
        max_links = int(min(max_links, demand.rotation.max_links))
    if max_links < 1:
        raise ValueError(
            f"entanglement.hub_channels must exceed the {replicas} legs of the committee by at least {channels}, with "
            f"an entanglement.multiplexing of at least 2, got {demand.hub_channels} and {demand.multiplexing}"
        )
    order = sorted(range(len(network.processor_routes)), key=lambda k: (network.served(k).rate, k))
    count = math.ceil(len(order) / max_links)
    size = math.ceil(len(order) / count)
    return tuple(tuple(order[start : start + size]) for start in range(0, len(order), size))


def turns_of(network: NetworkPlan, demand: Demand, members: Iterable[int]) -> dict[int, Turns]:
    """Return the turns of those who are served together, in this order; none where bursts come at random."""
    if demand.rotation is None:
        return {}
    return demand.rotation.turns({k: demand.shot_period(network.served(k)) for k in members})


def asymptotic_bits(fidelity: float, bits: float) -> float:
    """Return the asymptotic bits of a block that yields `bits` as a finite one, by doubling and bisection on its pairs.

    Raises ValueError where no block does.
    """
    rate = float(key_rate(fidelity))
    if rate <= 0 or not math.isfinite(min_block(fidelity)):
        raise ValueError(f"links: pairs of fidelity {fidelity:.4f} must yield a finite key, got none in any block")
    high = 1024
    while finite_key_length(fidelity, high) < bits:
        high *= 2
    low = high // 2
    while high - low > max(1, low // 100):
        middle = (low + high) // 2
        low, high = (low, middle) if finite_key_length(fidelity, middle) >= bits else (middle, high)
    return high * rate


def finite_bits(bits: float, pairs: int) -> float:
    """Return what a block of `pairs` sifted pairs yields, whose asymptotic bits are `bits`.

    Its fidelity is that of Werner pairs with the block's mean rate; the rate is convex in the fidelity, so a block of
    mixed pairs is credited with a little more than its mean error rate allows. Ours.
    """
    if pairs == 0 or bits <= 0:
        return 0.0
    low, high = 0.8, 1.0
    for _ in range(40):  # not a root finder of a library, whose next version may end at other bits of a run's digest
        middle = (low + high) / 2
        low, high = (low, middle) if float(key_rate(middle)) >= bits / pairs else (middle, high)
    return float(finite_key_length(low, pairs))


def key_path_fidelity(route: Route, demand: Demand, *, useful_age: int | None = None) -> float:
    """Return the fidelity of a path's end-to-end pairs when every leg's pair is at half of its useful age (ps; by
    default that of the demand).
    """
    half = seconds(round((demand.key_useful_age if useful_age is None else useful_age) / 2))
    aged = tuple(
        replace(leg, weights=None, fidelity=float(decayed_fidelity(leg.fidelity, half, leg.coherence_seconds / 2)))
        for leg in route.legs
    )
    return max(0.25, path_fidelity(aged, route.swapping))


def key_path_seconds(route: Route, bits: float, demand: Demand) -> float:
    """Return a time in which a path distils `bits`, with the margin. Raises ValueError if its pairs yield no key.

    Counts every leg at half of its useful age: an oblivious scheduler keeps old pairs. One round of a pair of the ends
    takes until the last leg has one: the mean greatest of exponential times, divided by the chance that all other legs
    come within the useful age after the fastest one, and by that of all swaps. Meant to be long enough, not exact.
    """
    fidelity, legs, swapping = key_path_fidelity(route, demand), route.legs, route.swapping
    per_pair = float(key_rate(fidelity))
    if per_pair <= 0:
        raise ValueError(
            f"links: end-to-end pairs must have a fidelity above .835 to yield a key, got {fidelity:.4f} "
            f"on a path of {len(legs)} links"
        )
    rates = sorted(leg.rate * swapping.purified(leg)[1] for leg in legs)
    age = demand.key_useful_age / PICOSECONDS_PER_SECOND
    in_time = math.prod(1 - math.exp(-rate * age) for rate in rates[:-1]) * swapping.success ** (len(legs) - 1)
    if in_time <= 0:
        raise ValueError(
            f"entanglement.key_useful_age_milliseconds must be long enough for pairs of all {len(rates)} links of a "
            f"path to meet, got {1e3 * age:g}"
        )
    return demand.key_margin * bits / per_pair * mean_greatest(rates) / in_time


def mean_greatest(rates: Sequence[float]) -> float:
    """Return the mean of the greatest of independent exponential times.

    Of few: the sum over subsets S of (-1)^(|S| + 1) / sum of rates. Of more than _MAX_IN_SUBSETS, whose subsets are
    too many: the integral over t > 0 of 1 - prod (1 - exp(-rate t)), by the trapezoidal rule in ln t, which converges
    faster than any power of the step. Both to 1e-9.
    """
    if len(rates) > _MAX_IN_SUBSETS:
        steps = np.arange(math.log(1e-12 / max(rates)), math.log(60 / min(rates)), 0.1)
        times = np.exp(steps)
        with np.errstate(divide="ignore"):
            later = -np.expm1(sum(np.log1p(-np.exp(-rate * times)) for rate in rates))
        return float(0.1 * np.sum(later * times))
    sums: list[tuple[int, float]] = [(-1, 0.0)]
    for rate in rates:
        sums += [(-sign, total + rate) for sign, total in sums]
    return math.fsum(sign / total for sign, total in sums[1:])
