"""Paths over several links, swapped at the nodes between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

from ceas_ray.network.link_parameters import LinkParameters
from ceas_ray.quantum.pair_physics import bbpssw, fidelity_of_werner, werner_of_fidelity


class PairSource(Protocol):
    """A link or a route that can be asked for pairs."""

    @property
    def rate(self) -> float:
        """Pairs per second while it generates."""

    @property
    def fidelity(self) -> float:
        """Fidelity of a pair at age 0."""

    @property
    def attempt_period(self) -> int:
        """Period of an attempt (of a route: on its slowest link), ps; the next two are of that link too."""

    @property
    def modes(self) -> int:
        """Trials of an attempt."""

    @property
    def success_probability(self) -> float:
        """Success probability of a trial."""

    def age_at_fidelity(self, min_fidelity: float) -> float:
        """Return the age in seconds at which a pair's fidelity has fallen to `min_fidelity`."""

    @property
    def latency(self) -> int:
        """L / c, ps."""


@dataclass(frozen=True)
class Swapping:
    """The swapping that makes pairs of a route's ends from pairs of its links.

    werner: what a Bell measurement multiplies w by. success: the probability that it succeeds (a failure loses both
    pairs). purification_rounds: of BBPSSW on each link, before its pairs are swapped; with a `purification_target`
    at most that many, and no more on a link than fresh pairs need to reach that fidelity. A link that states its own
    number has that one. order: any two neighbouring pairs at once, from the first end (the hub) outwards, or
    by halves of the route, whose pairs are swapped from those of their own halves.
    """

    werner: float
    success: float = 1.0
    purification_rounds: int = 0
    order: Literal["as_soon_as_possible", "in_order", "balanced_tree"] = "as_soon_as_possible"
    purification_target: float | None = None

    def rounds_of(self, leg: LinkParameters) -> int:
        """Return the number of rounds of BBPSSW on a link."""
        if leg.purification_rounds is not None:
            return leg.purification_rounds
        if self.purification_target is None:
            return self.purification_rounds
        fidelity = leg.fidelity
        for rounds in range(self.purification_rounds):
            if fidelity >= self.purification_target:
                return rounds
            fidelity, _ = bbpssw(fidelity, fidelity)
        return self.purification_rounds

    def max_rounds(self, legs: Sequence[LinkParameters]) -> int:
        """Return the greatest number of rounds on any of these links."""
        return max(map(self.rounds_of, legs))

    def purified(self, leg: LinkParameters) -> tuple[float, float]:
        """Return the fidelity of a link's pairs after the rounds, and how many come of one raw pair, without ageing
        (BBPSSW).
        """
        fidelity, kept = leg.fidelity, 1.0
        for _ in range(self.rounds_of(leg)):
            fidelity, success = bbpssw(fidelity, fidelity)
            kept *= success / 2
        return fidelity, kept


@dataclass(frozen=True)
class Route:
    """A chain of links from the hub to a processor or replica, the hub's end first.

    links: their numbers in `NetworkPlan.ends`. nodes: the names along the way, one more than legs.
    """

    legs: tuple[LinkParameters, ...]
    links: tuple[int, ...]
    nodes: tuple[str, ...]
    swapping: Swapping

    @staticmethod
    def of(legs: Sequence[LinkParameters], swapping: Swapping) -> Route:
        """Return a route over these links, outside any network."""
        nodes = tuple(f"node/{number:04d}" for number in range(len(legs) + 1))
        return Route(tuple(legs), tuple(range(len(legs))), nodes, swapping)

    def reversed(self) -> Route:
        """Return the same chain from its other end."""
        legs = tuple(leg.reversed() for leg in self.legs[::-1])
        return Route(legs, self.links[::-1], self.nodes[::-1], self.swapping)

    def without(self, first: int) -> Route:
        """Return this chain without its first links, as many as given."""
        return Route(self.legs[first:], self.links[first:], self.nodes[first:], self.swapping)

    def then(self, other: Route) -> Route:
        """Return this chain and another one that begins at its end."""
        return Route(
            (*self.legs, *other.legs), (*self.links, *other.links), (*self.nodes, *other.nodes[1:]), self.swapping
        )

    @cached_property
    def rate(self) -> float:
        """End-to-end pairs per second: those of the slowest link, less what purification and failed swaps take."""
        return path_rate(self.legs, self.swapping)

    @cached_property
    def fidelity(self) -> float:
        """Fidelity of an end-to-end pair at age 0."""
        return path_fidelity(self.legs, self.swapping)

    @cached_property
    def slowest(self) -> LinkParameters:
        """The link that delivers least, the first of several."""
        return min(self.legs, key=lambda leg: leg.rate * self.swapping.purified(leg)[1])

    @property
    def attempt_period(self) -> int:
        """Attempt period of the slowest link, ps."""
        return self.slowest.attempt_period

    @property
    def modes(self) -> int:
        """Modes of the slowest link."""
        return self.slowest.modes

    @property
    def success_probability(self) -> float:
        """Success probability on the slowest link."""
        return self.slowest.success_probability

    def age_at_fidelity(self, min_fidelity: float) -> float:
        """Return the age at which a fresh end-to-end pair has fallen to `min_fidelity` (Werner, depolarizing)."""
        if len(self.legs) == 1 and self.swapping.rounds_of(self.legs[0]) == 0:
            return self.legs[0].age_at_fidelity(min_fidelity)
        return self.coherence_seconds / 2 * math.log((self.fidelity - 0.25) / (min_fidelity - 0.25))

    @cached_property
    def coherence_seconds(self) -> float:
        """Coherence time of each of the two outer memories, such that both together decay as they do: their harmonic
        mean."""
        first, last = self.legs[0].coherence_seconds, self.legs[-1].coherence_seconds
        return first if first == last else 2 / (1 / first + 1 / last)

    @cached_property
    def raw_pairs(self) -> int:
        """Pairs of links behind an end-to-end pair, if no purification and no swap fails: 2^rounds of each link."""
        return sum(2 ** self.swapping.rounds_of(leg) for leg in self.legs)

    @cached_property
    def latency(self) -> int:
        """Sum of L / c over the links, ps."""
        return sum(leg.latency for leg in self.legs)


def path_fidelity(legs: tuple[LinkParameters, ...], swapping: Swapping) -> float:
    """Return the fidelity at age 0 of the pairs swapped over these legs, F = (1 + 3 w) / 4 with w = prod w_i times
    swaps.
    """
    raw = [swapping.purified(leg)[0] for leg in legs]
    if len(legs) == 1:
        return raw[0]
    werner = math.prod(map(werner_of_fidelity, raw)) * swapping.werner ** (len(legs) - 1)
    return float(fidelity_of_werner(werner))


def path_rate(legs: tuple[LinkParameters, ...], swapping: Swapping) -> float:
    """Return pairs per second over these legs if their stocks never run dry: the least rate of a link after
    purification.
    """
    slowest = min(leg.rate * swapping.purified(leg)[1] for leg in legs)
    return slowest * swapping.success ** (len(legs) - 1)
