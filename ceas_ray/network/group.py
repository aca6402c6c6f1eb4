"""Processors that share one circuit, and the routes between them. Ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ceas_ray.network.route import Route


@dataclass(frozen=True)
class ShotRoute:
    """A route whose pairs every shot spends, and the places in the circuit where it spends them, one pair each."""

    route: Route
    places: tuple[int, ...]

    @property
    def pairs(self) -> int:
        """Return how many pairs a shot takes."""
        return len(self.places)


@dataclass(frozen=True)
class ProcessorGroup:
    """Processors that run one circuit together, led by the first one. The group is a `PairSource`.

    members: indices of processors. routes: what a shot spends, between members or from the hub. latencies: between any
    two members, the hub being the last of them, ps, (members + 1, members + 1).
    """

    members: tuple[int, ...]
    routes: tuple[ShotRoute, ...]
    latencies: tuple[tuple[int, ...], ...] = ()

    @property
    def pairs_per_shot(self) -> int:
        """Pairs of a shot over all routes."""
        return sum(part.pairs for part in self.routes)

    @cached_property
    def scarcest(self) -> ShotRoute:
        """The route that serves the fewest shots, the first of several."""
        return min(self.routes, key=lambda part: part.route.rate / part.pairs)

    @cached_property
    def rate(self) -> float:
        """Pairs per second over all routes when all serve as many shots as the scarcest."""
        return self.pairs_per_shot * self.scarcest.route.rate / self.scarcest.pairs

    @cached_property
    def fidelity(self) -> float:
        """Fidelity of the worst route's pair at age 0."""
        return min(part.route.fidelity for part in self.routes)

    @property
    def attempt_period(self) -> int:
        """Attempt period of the scarcest route, ps; the next two are of that route too."""
        return self.scarcest.route.attempt_period

    @property
    def modes(self) -> int:
        """Trials of an attempt."""
        return self.scarcest.route.modes

    @property
    def success_probability(self) -> float:
        """Success probability of a trial."""
        return self.scarcest.route.success_probability

    def age_at_fidelity(self, min_fidelity: float) -> float:
        """Return the age in seconds at which the first route's pairs have fallen to `min_fidelity`."""
        return min(part.route.age_at_fidelity(min_fidelity) for part in self.routes)

    @cached_property
    def latency(self) -> int:
        """Latency of the longest route, ps."""
        return max(part.route.latency for part in self.routes)


def route_between(first: Route, second: Route) -> Route:
    """Return the route from the end of one route of the hub to the end of another, along both, without their common
    part.

    In a star this is over the hub. Raises ValueError if both end at one node.
    """
    common = _common(first, second)
    start, end = first.without(common), second.without(common)
    if not start.legs and not end.legs:
        raise ValueError(f"processors that share a circuit must sit on different nodes, got two on {first.nodes[-1]}")
    return start.reversed().then(end)


def links_between(first: Route, second: Route) -> int:
    """Return how many links the route has between the ends of two routes of the hub, see `route_between`."""
    return len(first.links) + len(second.links) - 2 * _common(first, second)


def _common(first: Route, second: Route) -> int:
    """Return how many links two routes have in common from their begin."""
    common = 0
    for one, other in zip(first.links, second.links, strict=False):
        if one != other:
            break
        common += 1
    return common


def group_of(routes: Sequence[Route], members: Sequence[int], pair_ends: Sequence[tuple[int, int]]) -> ProcessorGroup:
    """Return the group of these processors. routes: the hub's to every processor. pair_ends: between which of the
    members each pair of a shot is shared, in the order of the circuit's places; a negative number is the hub.

    Raises ValueError if two members sit on one node.
    """
    places: dict[tuple[int, int], list[int]] = {}
    for place, (first, second) in enumerate(pair_ends):
        places.setdefault((min(first, second), max(first, second)), []).append(place)
    made = []
    for (first, second), spent in sorted(places.items()):
        to = routes[members[second]]
        made.append(ShotRoute(to if first < 0 else route_between(routes[members[first]], to), tuple(spent)))
    return ProcessorGroup(tuple(members), tuple(made), _latencies([routes[member] for member in members]))


def _latencies(routes: Sequence[Route]) -> tuple[tuple[int, ...], ...]:
    """Return the latencies between the ends of the hub's routes and, last, the hub."""
    table = []
    for one in routes:
        row = []
        for other in routes:
            common = _common(one, other)
            row.append(sum(leg.latency for leg in (*one.legs[common:], *other.legs[common:])))
        table.append((*row, one.latency))
    return (*table, (*(route.latency for route in routes), 0))
