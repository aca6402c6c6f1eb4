"""The plan of a network: who is reached on which route."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ceas_ray.network.group import ProcessorGroup, group_of, links_between
from ceas_ray.network.link_parameters import LinkDraws, LinkParameters
from ceas_ray.network.parallel_routes import ParallelRoutes
from ceas_ray.network.route import PairSource, Route, Swapping


@dataclass(frozen=True)
class NetworkPlan:
    """The hub's routes to every processor and replica, and direct links between nodes if there are any.

    swapped: whether keys between two nodes come from pairs swapped at the hub; otherwise from their own direct link.
    ends: the two nodes of every physical link, by its number; routes name the links that they share by these numbers.
    Direct links are numbered after these, in their order.
    groups: of processors that share a circuit; processor_routes are then those of the groups' leaders (see `grouped`).
    parallel: the routes that the shots of each processor are divided over; none where `processor_routes` serve them.
    notes: the parts of its description that are not used.
    """

    processor_routes: tuple[Route, ...]
    replica_routes: tuple[Route, ...]
    direct_links: dict[tuple[str, str], LinkParameters]
    swapped: bool
    ends: tuple[tuple[str, str], ...]
    groups: tuple[ProcessorGroup, ...] = ()
    parallel: tuple[ParallelRoutes, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def processor_links(self) -> tuple[LinkParameters, ...]:
        """The link at the hub's end of every processor's route: in a star the processor's own."""
        return tuple(route.legs[0] for route in self.processor_routes)

    @property
    def replica_links(self) -> tuple[LinkParameters, ...]:
        """The link at the hub's end of every replica's route."""
        return tuple(route.legs[0] for route in self.replica_routes)

    @property
    def routes(self) -> tuple[Route, ...]:
        """Routes of processors, then of replicas."""
        return (*self.processor_routes, *self.replica_routes)

    @property
    def is_star(self) -> bool:
        """Whether every processor and every replica has one link of its own to the hub."""
        links = [link for route in self.routes for link in route.links]
        return len(set(links)) == len(links) == len(self.routes)

    @property
    def _is_tree(self) -> bool:
        """Whether the routes to all processors come to a node by one link."""
        last = {(node, link) for r in self.processor_routes for node, link in zip(r.nodes[1:], r.links, strict=True)}
        return len({node for node, _ in last}) == len(last)

    @cached_property
    def purification_rounds(self) -> int:
        """Return the greatest number of rounds on any link."""
        of_routes = [route.swapping.max_rounds(route.legs) for route in self.routes]
        return max(of_routes + [self.routes[0].swapping.rounds_of(link) for link in self.direct_links.values()])

    @property
    def links(self) -> int:
        """How many physical links there are."""
        return len(self.ends) + len(self.direct_links)

    def route_of(self, party: str) -> Route:
        """Return the route from the hub to a processor or replica, by its name."""
        kind, _, index = party.partition("/")
        return (self.processor_routes if kind == "processor" else self.replica_routes)[int(index)]

    def key_route(self, party: str, peer: str) -> Route:
        """Return the route of the pairs that two parties distil keys from: over the hub, or their direct link.

        A link on both of their routes is on it twice.
        """
        if self.swapped:
            return self.route_of(party).reversed().then(self.route_of(peer))
        link, number = self._direct[party, peer]
        return Route((link,), (number,), (party, peer), self.processor_routes[0].swapping)

    @cached_property
    def _direct(self) -> dict[tuple[str, str], tuple[LinkParameters, int]]:
        """Direct links and their numbers."""
        numbered = enumerate(self.direct_links.items(), start=len(self.ends))
        return {ends: (link, number) for number, (ends, link) in numbered}

    def served(self, k: int) -> PairSource:
        """Return what the shots of processor (or group) k ask for pairs."""
        if self.parallel:
            return self.parallel[k]
        return self.groups[k] if self.groups else self.processor_routes[k]

    def shot_routes(self, k: int) -> tuple[Route, ...]:
        """Return the routes whose pairs the shots of processor (or group) k spend."""
        if self.parallel:
            return self.parallel[k].routes
        return tuple(part.route for part in self.groups[k].routes) if self.groups else (self.processor_routes[k],)

    def shots_of_sources(self, k: int, shots: int) -> tuple[tuple[PairSource, int], ...]:
        """Return what serves the shots of party k, and how many of them: one source, or each route of several."""
        if not self.parallel:
            return ((self.served(k), shots),)
        return tuple(zip(self.parallel[k].routes, self.parallel[k].shots_of_each(shots), strict=True))

    def hub_channels(self, k: int) -> int:
        """Return how many links at the hub are driven for processor (or group) k: its own, and those of its shots."""
        if not (self.groups or self.parallel):
            return 1
        hub = self.processor_routes[k].nodes[0]
        links = {link for route in (self.processor_routes[k], *self.shot_routes(k)) for link in route.links}
        return sum(hub in self.ends[link] for link in sorted(links))

    def grouped(self, members: int, pair_ends: Sequence[tuple[int, int]]) -> NetworkPlan:
        """Return the same network for groups of `members` consecutive processors that share a circuit.

        pair_ends: see `group_of`. Raises ValueError if the processors cannot be dealt out, or pairs cannot be swapped.
        """
        count = len(self.processor_routes)
        if count % members:
            raise ValueError(f"processors.count must be divisible by the {members} processors of a group, got {count}")
        if not self.swapped:
            raise ValueError("processors that share a circuit need pairs swapped at the hub or on the way to it")
        if self.parallel:
            raise ValueError("processors that share a circuit need network.in_parallel=false")
        if not self._is_tree:
            raise ValueError("processors that share a circuit need one path to every node (network.paths=1)")
        parties = [range(first, first + members) for first in range(0, count, members)]
        groups = tuple(group_of(self.processor_routes, party, pair_ends) for party in parties)
        return replace(self, processor_routes=self.processor_routes[::members], groups=groups)

    def member_distances(self, members: int) -> NDArray[np.int64]:
        """Return what a pair between any two members of a group takes in pairs of links, (members, members), the sum
        over all whole groups of `members` consecutive processors.
        """
        found = np.zeros((members, members), np.int64)
        for first in range(0, len(self.processor_routes) - members + 1, members):
            for a in range(members):
                for b in range(a):
                    one, other = (self.processor_routes[first + k] for k in (a, b))
                    found[a, b] += links_between(one, other)
        return found + found.T

    def swapping_by(self, swapping: Swapping) -> NetworkPlan:
        """Return the same network with other swaps."""

        others = [route for several in self.parallel for route in several.routes]
        made = {id(route): replace(route, swapping=swapping) for route in (*self.routes, *others)}  # shared stays so
        processors, replicas = (
            tuple(made[id(route)] for route in part) for part in (self.processor_routes, self.replica_routes)
        )
        parallel = tuple(ParallelRoutes(tuple(made[id(r)] for r in several.routes)) for several in self.parallel)
        return replace(self, processor_routes=processors, replica_routes=replicas, parallel=parallel)


class Topology(Protocol):
    """Draws a network for a number of processors and replicas."""

    def build(self, processors: int, replicas: int, draws: LinkDraws) -> NetworkPlan:
        """Return the links and routes. Raises ValueError if there is no such network.

        A world passes `draws` by keyword, so a topology of your own must name it as here.
        """
