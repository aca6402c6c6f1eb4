"""Routing on a graph of links: where the hub sits, who sits where, which way pairs take."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Annotated, Literal

import numpy as np
import rustworkx
from numpy.typing import NDArray

from ceas_ray.kernel.ranges import Range
from ceas_ray.network.link_parameters import LinkDraws, LinkParameters
from ceas_ray.network.memories import coherence_of_each, pair_decay
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.parallel_routes import ParallelRoutes
from ceas_ray.network.route import Route, Swapping
from ceas_ray.network.several_paths import Path, SpreadLoad, Ways
from ceas_ray.quantum.pair_physics import werner_of_fidelity

RouteBy = Literal["fidelity", "rate"]
MAX_NODES = 400
Nodes = Annotated[int, Range(2, MAX_NODES)]
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
        """Return one positive whole number per link, proportional to `cost` up to 2^-36 of the greatest."""
        plain = [cost(link.parameters) for link in self.links]
        largest = max(plain, default=0.0)
        return [1 + (round(value / largest * _UNITS) if largest > 0 else 0) for value in plain]

    def distances(self, costs: Sequence[int]) -> NDArray[np.float64]:
        """Return the least sum of costs between any two nodes, (nodes, nodes); infinite where there is no way."""
        weighted: rustworkx.PyGraph[str, int] = rustworkx.PyGraph()
        weighted.add_nodes_from(list(self.names))
        weighted.add_edges_from([(link.first, link.second, c) for link, c in zip(self.links, costs, strict=True)])
        return rustworkx.graph_floyd_warshall_numpy(weighted, float, parallel_threshold=10 * len(self.names))

    @cached_property
    def _kilometres(self) -> NDArray[np.float64]:
        """`distances` by kilometres of fibre."""
        return self.distances(self.costs(lambda link: link.length_km))

    def center(self) -> int:
        """Return the node whose farthest other node is nearest, by kilometres of fibre; of several the first by name.

        Raises ValueError if some node cannot be reached.
        """
        self._refuse_apart(self._kilometres[0], 0)
        farthest = self._kilometres.max(axis=1)
        return min(range(len(self.names)), key=lambda node: (farthest[node], self.names[node]))

    def by_distance(self, hub: int) -> list[int]:
        """Return all nodes but the hub: the nearest first, by kilometres of fibre, then by name."""
        reached = self._kilometres[hub]
        self._refuse_apart(reached, hub)
        others = (node for node in range(len(self.names)) if node != hub)
        return sorted(others, key=lambda node: (reached[node], self.names[node]))

    def _refuse_apart(self, reached: NDArray[np.float64], start: int) -> None:
        """Raise ValueError for the first node at an infinite distance from `start`."""
        if not np.isfinite(reached).all():
            name, here = self.names[int(np.argmin(np.isfinite(reached)))], self.names[start]
            raise ValueError(f"the network must be connected, but {name} cannot be reached from {here}: {self.remedy}")

    def routes(self, costs: Sequence[int], hub: int) -> list[tuple[list[int], list[int]]]:
        """Return the nodes and links of a cheapest way from the hub to every node; of equal ones, back from there, by
        the first name. Raises ValueError if some node cannot be reached.
        """
        reached = self.distances(costs)[hub]
        self._refuse_apart(reached, hub)
        before: dict[int, tuple[str, int, int, int]] = {}
        for number, (link, cost) in enumerate(zip(self.links, costs, strict=True)):
            for here, there in ((link.first, link.second), (link.second, link.first)):
                way = (self.names[there], cost, number, there)
                if reached[there] + cost == reached[here] and way < before.get(here, (way[0] + "\0",)):
                    before[here] = way
        found: dict[int, tuple[list[int], list[int]]] = {hub: ([hub], [])}
        for node in sorted(range(len(self.names)), key=lambda node: reached[node]):
            if node != hub:
                nodes, links = found[before[node][3]]
                found[node] = ([*nodes, node], [*links, before[node][2]])
        return [found[node] for node in range(len(self.names))]

    def several_routes(
        self, costs: Sequence[int], hub: int, targets: Iterable[int], paths: int
    ) -> dict[int, list[Path]]:
        """Return the cheapest ways without loops from the hub to each target, at most `paths`, the one of `routes`
        first. Raises ValueError if some node cannot be reached.
        """
        cheapest = self.routes(costs, hub)
        if paths == 1:
            return {target: [Path(*cheapest[target])] for target in targets}
        rank = {name: number for number, name in enumerate(sorted(self.names))}
        ways = Ways([(link.first, link.second) for link in self.links], costs, [rank[name] for name in self.names])
        return {target: ways.cheapest(Path(*cheapest[target]), paths) for target in targets}


def cost_of(route_by: RouteBy, swap_werner: float) -> Callable[[LinkParameters], float]:
    """Return what a link adds to a route: -ln w of the link and of one swap, or seconds per pair.

    Costs add up along it.
    """
    if route_by == "rate":
        return lambda link: 1 / link.rate
    lost = -math.log(max(swap_werner, 1e-9))
    return lambda link: lost - math.log(max(werner_of_fidelity(link.fidelity), 1e-9))


def _refuse_choices(route_by: str, paths: int, in_parallel: bool) -> None:
    if route_by not in ("fidelity", "rate"):
        raise ValueError(f"route_by must be fidelity or rate, got {route_by}")
    if in_parallel and paths == 1:
        raise ValueError("paths must be at least 2 for in_parallel=true, got 1")


def routed(
    graph: Graph,
    hub: int,
    *,
    processors: Sequence[int],
    replicas: Sequence[int],
    route_by: RouteBy,
    swap_werner: float,
    paths: int = 1,
    in_parallel: bool = False,
) -> NetworkPlan:
    """Return the plan of a network: routes from the hub to the node of every replica and every processor.

    A route is the cheapest way to its node or, of the `paths` cheapest ones, the one that shares links with the fewest
    other routes. in_parallel: the shots of a processor are divided over all `paths` ways, and the cheapest one is its
    route for all else. Raises ValueError if some node cannot be reached, or for arguments that cannot be.
    """
    _refuse_choices(route_by, paths, in_parallel)
    costs = graph.costs(cost_of(route_by, swap_werner))
    ways = graph.several_routes(costs, hub, sorted({*processors, *replicas}), paths)
    parameters = _from_hub(graph.links, hub)
    load = SpreadLoad()

    @cache
    def along(target: int, number: int) -> Route:
        nodes, links = ways[target][number]
        legs = tuple(parameters[link] for link in links)
        return Route(legs, tuple(links), tuple(graph.names[node] for node in nodes), Swapping(swap_werner))

    def to(target: int) -> Route:
        return along(target, load.choose(ways[target]))

    def all_to(target: int) -> ParallelRoutes:
        return ParallelRoutes(tuple(along(target, number) for number in range(len(ways[target]))))

    of_replicas = tuple(map(to, replicas))
    parallel = tuple(map(all_to, processors)) if in_parallel else ()
    of_processors = tuple(several.routes[0] for several in parallel) if in_parallel else tuple(map(to, processors))
    ends = tuple((graph.names[link.first], graph.names[link.second]) for link in graph.links)
    return NetworkPlan(of_processors, of_replicas, {}, swapped=True, ends=ends, parallel=parallel)


def _from_hub(links: Sequence[Link], hub: int) -> list[LinkParameters]:
    return [link.parameters if hub in (link.first, link.second) else away_from_hub(link.parameters) for link in links]


def away_from_hub(link: LinkParameters) -> LinkParameters:
    """Return the same link with a node's memory at both ends."""
    if link.memories is None:
        return link
    node = link.memories[1]
    return replace(link, memories=(node, node), coherence_seconds=coherence_of_each(pair_decay(node, node)))


def settled(
    graph: Graph,
    *,
    processors: int,
    replicas: int,
    route_by: RouteBy,
    swap_werner: float,
    paths: int = 1,
    in_parallel: bool = False,
) -> NetworkPlan:
    """Return the hub at the center; replicas, then processors, on the other nodes, the nearest first.

    When every node is taken, the next one sits again on the nearest: nodes may host several. See `routed`.
    """
    if len(graph.names) < 2:
        raise ValueError(f"nodes must be at least 2, the hub's and another one, got {len(graph.names)}")
    hub = graph.center()
    order = graph.by_distance(hub)
    seats = [order[place % len(order)] for place in range(replicas + processors)]
    return routed(
        graph,
        hub,
        processors=seats[replicas:],
        replicas=seats[:replicas],
        route_by=route_by,
        swap_werner=swap_werner,
        paths=paths,
        in_parallel=in_parallel,
    )


def node_names(count: int) -> tuple[str, ...]:
    """Return names whose alphabetical order is their number's."""
    return tuple(f"node/{number:04d}" for number in range(count))


def pairs_in_square(
    nodes: int, side_km: float, generator: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return all pairs of nodes that are drawn uniformly in a square, (pairs, 2), and how far apart they are, km
    (pairs,)."""
    places = generator.uniform(0, side_km, (nodes, 2))
    pairs = np.stack(np.triu_indices(nodes, 1), axis=1)
    first, second = places[pairs[:, 0]], places[pairs[:, 1]]
    return pairs, np.hypot(*(first - second).T)


def drawn(
    pairs: Sequence[tuple[int, int]] | NDArray[np.int64],
    *,
    lengths_km: Sequence[float | None] | NDArray[np.float64],
    link_fidelity: float | None,
    draws: LinkDraws,
) -> tuple[Link, ...]:
    """Return a link for each pair of nodes.

    pairs (links, 2); lengths_km (links,). A length or a fidelity of None is drawn.
    """
    links = draws.links(list(lengths_km), [link_fidelity] * len(lengths_km))
    return tuple(Link(int(ends[0]), int(ends[1]), link) for ends, link in zip(pairs, links, strict=True))
