"""Several paths between two nodes, and the choice of one of them for every pair of ends that is served."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Annotated, NamedTuple

from ceas_ray.kernel.ranges import Range

Paths = Annotated[int, Range(1, 16)]
"""How many candidate paths there are for every pair of ends."""


class Path(NamedTuple):
    """Nodes and links from one end to the other; one node more than links."""

    nodes: list[int]
    links: list[int]


class Ways:
    """Finds the cheapest ways without loops; of equally cheap ones the first by the ranks of their nodes.

    ends: of every link. costs: of every link, positive whole numbers. ranks: of every node, all different.
    """

    def __init__(self, ends: Sequence[tuple[int, int]], costs: Sequence[int], ranks: Sequence[int]) -> None:
        self._costs, self._ranks = costs, ranks
        self._links: list[list[tuple[int, int]]] = [[] for _ in ranks]
        for number, (first, second) in enumerate(ends):
            self._links[first].append((second, number))
            self._links[second].append((first, number))

    def cheapest(self, first: Path, count: int) -> list[Path]:
        """Return the `count` cheapest ways without loops between the ends of `first`, a cheapest one, which leads.

        There are fewer if the graph has fewer. Yen, "Finding the K shortest loopless paths in a network", Management
        Science 17, 712 (1971).
        """
        found: list[Path] = [first]
        candidates: list[tuple[int, list[int], Path]] = []
        seen = {tuple(first.links)}
        while len(found) < count:
            last = found[-1]
            for spur in range(len(last.links)):
                root = last.links[:spur]
                without = {path.links[spur] for path in found if path.links[:spur] == root}
                rest = self._cheapest(last.nodes[spur], last.nodes[-1], without, last.nodes[:spur])
                if rest is None:
                    continue
                path = Path(last.nodes[:spur] + rest.nodes, root + rest.links)
                if tuple(path.links) not in seen:
                    seen.add(tuple(path.links))
                    cost = sum(self._costs[link] for link in path.links)
                    heapq.heappush(candidates, (cost, [self._ranks[node] for node in path.nodes], path))
            if not candidates:
                break
            found.append(heapq.heappop(candidates)[2])
        return found

    def _cheapest(self, start: int, end: int, links: Collection[int], nodes: Collection[int]) -> Path | None:
        """Return the cheapest way without these links and nodes (Dijkstra's algorithm); None if there is none."""
        done = set(nodes)
        open_: list[tuple[int, list[int], Path]] = [(0, [], Path([start], []))]
        while open_:
            cost, order, path = heapq.heappop(open_)
            here = path.nodes[-1]
            if here == end:
                return path
            if here in done:
                continue
            done.add(here)
            for there, link in self._links[here]:
                if there not in done and link not in links:
                    longer = Path([*path.nodes, there], [*path.links, link])
                    heapq.heappush(open_, (cost + self._costs[link], [*order, self._ranks[there]], longer))
        return None


@dataclass
class SpreadLoad:
    """Chooses among candidate paths such that links are shared by few.

    Each choice adds the least to the sum of squares of how many paths use a link, as in congestion games (Rosenthal,
    International Journal of Game Theory 2, 65, 1973). Of equal ones the cheapest is taken.
    """

    used: Counter[int] = field(default_factory=Counter)

    def choose(self, candidates: Sequence[Path]) -> int:
        """Return the number of the candidate that is used from now on. candidates: the cheapest first."""
        added = [sum(2 * self.used[link] + 1 for link in path.links) for path in candidates]
        chosen = added.index(min(added))
        self.used.update(candidates[chosen].links)
        return chosen
