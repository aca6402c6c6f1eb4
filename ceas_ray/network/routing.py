"""From a graph of links to routes: where the hub sits, who sits where, which way pairs take."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
import rustworkx

from ceas_ray.kernel.ranges import Range
from ceas_ray.network.link_parameters import Heterogeneity, LinkHardware, LinkParameters
from ceas_ray.network.memories import coherence_of_each, pair_decay
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.route import Route, Swapping

RouteBy = Literal["fidelity", "rate"]
MOST_NODES = 400
Nodes = Annotated[int, Range(2, MOST_NODES)]
LinkKilometres = Annotated[float, Range(0, 40_000, open_below=True, unit="kilometres")]
LinkFidelity = Annotated[float, Range(0.25, 1)]
_UNITS = 2.0**36
"""Costs are whole units of the greatest one's 2^-36, so that sums are exact and ties are ties on every machine."""


@dataclass(frozen=True)
class Link:
    """A physical link between two nodes, by their indices."""

    first: int
    second: int
    parameters: LinkParameters


@dataclass(frozen=True)
class Graph:
    """Nodes by name, and the links between them. remedy: what to change in the settings if it is not connected."""

    names: tuple[str, ...]
    links: tuple[Link, ...]
    remedy: str

    def costs(self, cost: Callable[[LinkParameters], float]) -> list[int]:
        """One positive whole number per link, proportional to `cost` up to 2^-36 of the greatest."""
        plain = [cost(link.parameters) for link in self.links]
        most = max(plain, default=0.0)
        return [1 + (round(value / most * _UNITS) if most > 0 else 0) for value in plain]

    def distances(self, costs: Sequence[int], start: int) -> dict[int, int]:
        """The least sum of costs from `start` to every node that can be reached."""
        graph = self._weighted(costs)
        found = rustworkx.dijkstra_shortest_path_lengths(graph, start, float)
        return {start: 0} | {int(node): round(length) for node, length in found.items()}

    def _weighted(self, costs: Sequence[int]) -> rustworkx.PyGraph[str, int]:
        graph: rustworkx.PyGraph[str, int] = rustworkx.PyGraph()
        graph.add_nodes_from(list(self.names))
        graph.add_edges_from([(link.first, link.second, cost) for link, cost in zip(self.links, costs, strict=True)])
        return graph

    def center(self) -> int:
        """The node whose farthest other node is nearest, by kilometres of fibre; of several the first by name.

        Raises ValueError if some node cannot be reached.
        """
        costs = self.costs(lambda link: link.length_km)
        nodes = range(len(self.names))
        farthest = [max(self.connected(costs, node).values()) for node in nodes]
        return min(nodes, key=lambda node: (farthest[node], self.names[node]))

    def by_distance(self, hub: int) -> list[int]:
        """All nodes but the hub: the nearest first, by kilometres of fibre, then by name."""
        reached = self.connected(self.costs(lambda link: link.length_km), hub)
        return sorted((n for n in reached if n != hub), key=lambda node: (reached[node], self.names[node]))

    def connected(self, costs: Sequence[int], start: int) -> dict[int, int]:
        """`distances`, but ValueError if some node cannot be reached."""
        reached = self.distances(costs, start)
        for node, name in enumerate(self.names):
            if node not in reached:
                here = self.names[start]
                raise ValueError(
                    f"the network must be connected, but {name} cannot be reached from {here}: {self.remedy}"
                )
        return reached

    def route(self, costs: Sequence[int], reached: dict[int, int], target: int) -> tuple[list[int], list[int]]:
        """Nodes and links of a cheapest way to `target`; of equal ones, back from there, by the first name."""
        ways: dict[int, list[tuple[str, int, int, int]]] = {}
        for number, (link, cost) in enumerate(zip(self.links, costs, strict=True)):
            ways.setdefault(link.first, []).append((self.names[link.second], cost, number, link.second))
            ways.setdefault(link.second, []).append((self.names[link.first], cost, number, link.first))
        nodes, links = [target], []
        while reached[nodes[-1]] > 0:
            here = nodes[-1]
            _, _, number, before = min(way for way in ways[here] if reached[way[3]] + way[1] == reached[here])
            nodes.append(before)
            links.append(number)
        return nodes[::-1], links[::-1]


def cost_of(route_by: RouteBy, swap_werner: float) -> Callable[[LinkParameters], float]:
    """What a link adds to a route: -ln w of the link and of one swap, or seconds per pair. Costs add up along it."""
    if route_by == "rate":
        return lambda link: 1 / link.rate
    lost = -math.log(max(swap_werner, 1e-9))
    return lambda link: lost - math.log(max((4 * link.fidelity - 1) / 3, 1e-9))


def routed(
    graph: Graph, hub: int, processors: Sequence[int], replicas: Sequence[int], route_by: RouteBy, swap_werner: float
) -> NetworkPlan:
    """The plan of a network: cheapest routes from the hub to the node of every processor and replica.

    Raises ValueError if some node cannot be reached, or a name of `route_by` is not known.
    """
    if route_by not in ("fidelity", "rate"):
        raise ValueError(f"route_by must be fidelity or rate, got {route_by}")
    costs = graph.costs(cost_of(route_by, swap_werner))
    reached = graph.connected(costs, hub)

    parameters = [
        link.parameters if hub in (link.first, link.second) else away_from_hub(link.parameters) for link in graph.links
    ]

    def to(target: int) -> Route:
        nodes, links = graph.route(costs, reached, target)
        legs = tuple(parameters[number] for number in links)
        return Route(legs, tuple(links), tuple(graph.names[node] for node in nodes), Swapping(swap_werner))

    ends = tuple((graph.names[link.first], graph.names[link.second]) for link in graph.links)
    return NetworkPlan(tuple(map(to, processors)), tuple(map(to, replicas)), {}, swapped=True, ends=ends)


def away_from_hub(link: LinkParameters) -> LinkParameters:
    """The same link with a node's memory at both ends."""
    if link.memories is None:
        return link
    node = link.memories[1]
    return replace(link, memories=(node, node), coherence_seconds=coherence_of_each(pair_decay(node, node)))


def settled(graph: Graph, processors: int, replicas: int, route_by: RouteBy, swap_werner: float) -> NetworkPlan:
    """The hub at the center; replicas, then processors, on the other nodes, the nearest first.

    When every node is taken, the next one sits again on the nearest: nodes may host several.
    """
    if len(graph.names) < 2:
        raise ValueError(f"nodes must be at least 2, the hub's and another one, got {len(graph.names)}")
    hub = graph.center()
    order = graph.by_distance(hub)
    seats = [order[place % len(order)] for place in range(replicas + processors)]
    return routed(graph, hub, seats[replicas:], seats[:replicas], route_by, swap_werner)


def node_names(count: int) -> tuple[str, ...]:
    """Names whose alphabetical order is their number's."""
    return tuple(f"node/{number:04d}" for number in range(count))


def drawn(
    pairs: Sequence[tuple[int, int]],
    lengths_km: Sequence[float | None],
    link_fidelity: float | None,
    hardware: LinkHardware,
    spread: Heterogeneity,
    generator: np.random.Generator,
) -> tuple[Link, ...]:
    """Links of this hardware between these nodes; a length or fidelity of None is drawn as `spread` says."""
    made = []
    for (first, second), length in zip(pairs, lengths_km, strict=True):
        length_km = spread.length(generator) if length is None else length
        fidelity = spread.fidelity(generator) if link_fidelity is None else link_fidelity
        made.append(Link(first, second, hardware.link(length_km, fidelity)))
    return tuple(made)
