"""One's own network, from a file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rustworkx

from ceas_ray.network.link_parameters import Heterogeneity, LinkHardware
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.routing import Graph, Link, RouteBy, checked, routed, settled

ROLES = ("hub", "processor", "replica", "repeater")


@dataclass(frozen=True)
class GraphML:
    """The nodes and links of a GraphML file.

    An edge must have `length_km` and may have `fidelity` (at emission; else link_fidelity; if that is None, drawn as
    the links' settings say). A node may have `role`: hub, processor, replica or repeater (no role: repeater). If no
    node has one, the hub sits at the center, and replicas and then processors from the nearest node on. Nodes may host
    several: processors are dealt to the nodes of that role in turn, by name; so are replicas. Directions are ignored.
    route_by: fidelity or rate.
    """

    file: str
    link_fidelity: float | None
    route_by: RouteBy

    def __post_init__(self) -> None:
        """Raises ValueError for values out of range."""
        checked("link_fidelity", self.link_fidelity, 0.25, 1)

    def build(
        self,
        processors: int,
        replicas: int,
        hardware: LinkHardware,
        spread: Heterogeneity,
        generator: np.random.Generator,
    ) -> NetworkPlan:
        """Read the file and draw what it leaves open. Raises ValueError for whatever is wrong with it."""
        nodes, edges = self._read()
        names = tuple(str(node["id"]) for node in nodes)
        links = []
        for first, second, given in edges:
            where = f"{self.file}: the edge {names[first]} - {names[second]}"
            length = _number(given, "length_km", where)
            if length is None or length <= 0:
                raise ValueError(f"{where} must have a length_km > 0, got {length}")
            if first == second:
                raise ValueError(f"{where} must join two nodes")
            fidelity = _number(given, "fidelity", where)
            fidelity = self.link_fidelity if fidelity is None else fidelity
            fidelity = spread.fidelity(generator) if fidelity is None else fidelity
            if not 0.25 <= fidelity <= 1:
                raise ValueError(f"{where} must have a fidelity in [0.25, 1], got {fidelity}")
            links.append(Link(first, second, hardware.link(length, fidelity)))
        graph = Graph(names, tuple(links), f"join it by an edge in {self.file}")
        seats = self._seats(nodes, names)
        if seats is None:
            return settled(graph, processors, replicas, self.route_by, hardware.swap_werner)
        return routed(
            graph, seats["hub"][0], _dealt(seats["processor"], processors), _dealt(seats["replica"], replicas),
            self.route_by, hardware.swap_werner,
        )  # fmt: skip

    def _read(self) -> tuple[list[Mapping[str, Any]], list[tuple[int, int, Mapping[str, Any]]]]:
        if not Path(self.file).is_file():
            raise ValueError(f"file must be a GraphML file, but there is none at {self.file}")
        try:
            (graph,) = rustworkx.read_graphml(self.file)
        except Exception as error:  # rustworkx raises no narrower class
            raise ValueError(f"{self.file} must be a GraphML file with one graph, but: {error}") from None
        place = {index: number for number, index in enumerate(graph.node_indices())}
        edges = [(place[first], place[second], given or {}) for first, second, given in graph.weighted_edge_list()]
        return list(graph.nodes()), edges

    def _seats(self, nodes: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, list[int]] | None:
        """The nodes of every role, by name; None if no node has one."""
        seats: dict[str, list[int]] = {role: [] for role in ROLES}
        for number in sorted(range(len(names)), key=lambda n: names[n]):
            role = nodes[number].get("role")
            if role not in (None, *ROLES):
                raise ValueError(
                    f"{self.file}: the role of {names[number]} must be one of {', '.join(ROLES)}, got {role}"
                )
            seats[role or "repeater"].append(number)
        if all(node.get("role") is None for node in nodes):
            return None
        if len(seats["hub"]) != 1:
            raise ValueError(f"{self.file}: one node must have the role hub, got {len(seats['hub'])}")
        for role in ("processor", "replica"):
            if not seats[role]:
                raise ValueError(f"{self.file}: at least one node must have the role {role}, got none")
        return seats


def _dealt(nodes: Sequence[int], count: int) -> list[int]:
    return [nodes[place % len(nodes)] for place in range(count)]


def _number(given: Mapping[str, Any], name: str, where: str) -> float | None:
    """The attribute as a number; None if it is not there. A file may declare it as a string."""
    value = given.get(name)
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{where} must have a finite number as {name}, got {value!r}")
    return number
