"""One's own network, from a file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from ceas_ray.kernel.ranges import check_ranges
from ceas_ray.network.link_parameters import Heterogeneity, LinkHardware
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.routing import Graph, Link, LinkFidelity, RouteBy, routed, settled

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
    link_fidelity: LinkFidelity | None
    route_by: RouteBy

    def __post_init__(self) -> None:
        """Raises ValueError for values out of range."""
        check_ranges(self)

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
        names = tuple(node["id"] for node in nodes)
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

    def _read(self) -> tuple[list[dict[str, str]], list[tuple[int, int, dict[str, str]]]]:
        """Nodes with their attributes (and `id`), and edges between their numbers with theirs."""
        if not Path(self.file).is_file():
            raise ValueError(f"file must be a GraphML file, but there is none at {self.file}")
        try:
            root = ElementTree.parse(self.file).getroot()
        except (ElementTree.ParseError, UnicodeDecodeError) as error:
            raise ValueError(f"{self.file} must be a GraphML file, but it is not well-formed: {error}") from None
        graphs = _children(root, "graph")
        if _plain_tag(root) != "graphml" or len(graphs) != 1:
            raise ValueError(
                f"{self.file} must be a GraphML file with one graph, got {len(graphs)} in {_plain_tag(root)}"
            )
        nodes = [_attributes(root, node) | {"id": node.get("id", "")} for node in _children(graphs[0], "node")]
        place = {node["id"]: number for number, node in enumerate(nodes)}
        if len(place) < len(nodes) or "" in place:
            raise ValueError(f"{self.file}: every node must have an id of its own")
        edges = []
        for edge in _children(graphs[0], "edge"):
            for end in ("source", "target"):
                if edge.get(end) not in place:
                    raise ValueError(f"{self.file}: the {end} of every edge must be a node, got {edge.get(end)}")
            edges.append((place[edge.get("source", "")], place[edge.get("target", "")], _attributes(root, edge)))
        return nodes, edges

    def _seats(self, nodes: Sequence[Mapping[str, str]], names: Sequence[str]) -> dict[str, list[int]] | None:
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


def _plain_tag(element: ElementTree.Element) -> str:
    """The tag without its namespace."""
    return element.tag.rpartition("}")[2]


def _children(element: ElementTree.Element, tag: str) -> list[ElementTree.Element]:
    return [child for child in element if _plain_tag(child) == tag]


def _attributes(root: ElementTree.Element, element: ElementTree.Element) -> dict[str, str]:
    """The data of a node or edge by the names that the file's keys declare, their defaults included."""
    found, names = {}, {}
    for key in _children(root, "key"):
        if key.get("for", "all") in (_plain_tag(element), "all"):
            names[key.get("id")] = key.get("attr.name", key.get("id", ""))
            for default in _children(key, "default"):
                found[names[key.get("id")]] = (default.text or "").strip()
    for data in _children(element, "data"):
        if data.get("key") in names:
            found[names[data.get("key")]] = (data.text or "").strip()
    return {name: text for name, text in found.items() if text}


def _dealt(nodes: Sequence[int], count: int) -> list[int]:
    return [nodes[place % len(nodes)] for place in range(count)]


def _number(given: Mapping[str, str], name: str, where: str) -> float | None:
    """The attribute as a number; None if it is not there."""
    value = given.get(name)
    if value is None:
        return None
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{where} must have a finite number as {name}, got {value!r}")
    return number
