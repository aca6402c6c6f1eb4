"""A network of one's own, from a file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

from ceas_ray.kernel.input_file import InputFile
from ceas_ray.kernel.numbers_in_text import is_number
from ceas_ray.kernel.ranges import check_ranges
from ceas_ray.network.link_parameters import LinkDraws
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.routing import Graph, Link, LinkFidelity, RouteBy, routed, settled
from ceas_ray.network.several_paths import Paths

MAX_KM = 40_000
"""As far as a fibre can go on earth."""
MAX_NODES = 1_000
EDGE_ATTRIBUTES = frozenset({"length_km", "fidelity", "purification_rounds"})
MAX_PURIFICATION_ROUNDS = 4
ROLES = ("hub", "processor", "replica", "repeater")


@dataclass(frozen=True)
class GraphML:
    """The nodes and links of a GraphML file.

    An edge must have `length_km` and may have `fidelity` (at emission; else link_fidelity; if that is None, drawn as
    the links' settings say) and `purification_rounds` (else as the settings say). A node may have `role`: hub,
    processor, replica or repeater (no role: repeater). If no node has one, the hub sits at the center, and replicas and
    then processors from the nearest node on. Nodes may host several: processors are dealt to the nodes of that role in
    turn, by name; so are replicas. Links have no direction: two directed edges, one each way and with the same
    attributes, are one link. Any other second edge between two nodes is refused, since routes would use one of them
    alone. route_by: fidelity or rate. paths, in_parallel: see `routed`.
    """

    file: InputFile
    link_fidelity: LinkFidelity | None
    route_by: RouteBy
    paths: Paths = 1
    in_parallel: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError for values out of range."""
        check_ranges(self)

    def build(self, processors: int, replicas: int, draws: LinkDraws) -> NetworkPlan:
        """Read the file and draw what it leaves open. Raises ValueError for whatever is wrong with it."""
        nodes, edges = read_graphml(self.file)
        names = tuple(node["id"] for node in nodes)
        links = [self._link(names, edge, draws) for edge in edges]
        graph = Graph(names, tuple(links), f"join it by an edge in {self.file.path}")
        seats = self._seats(nodes, names)
        choices: dict[str, Any] = {
            "route_by": self.route_by,
            "swap_werner": draws.swap_werner,
            "paths": self.paths,
            "in_parallel": self.in_parallel,
        }
        if seats is None:
            plan = settled(graph, processors=processors, replicas=replicas, **choices)
        else:
            of_processors, of_replicas = _dealt(seats["processor"], processors), _dealt(seats["replica"], replicas)
            plan = routed(graph, seats["hub"][0], processors=of_processors, replicas=of_replicas, **choices)
        return replace(plan, notes=self._unused(nodes, [given for _, _, given in edges]))

    def _unused(self, nodes: Sequence[Mapping[str, str]], edges: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
        """Name the attributes that no link or node is made of: a misspelt one would be missed by nobody else."""
        unused = []
        for kind, elements, used in (("nodes", nodes, {"id", "role"}), ("edges", edges, EDGE_ATTRIBUTES)):
            others = sorted({name for element in elements for name in element} - used)
            if others:
                unused.append(f"{self.file.path}: {', '.join(others)} of {kind} is not used")
        return tuple(unused)

    def _link(self, names: Sequence[str], edge: tuple[int, int, dict[str, Any]], draws: LinkDraws) -> Link:
        """Return the link of an edge, whose fidelity is drawn where nothing says it."""
        first, second, given = edge
        where = f"{self.file.path}: the edge {names[first]} - {names[second]}"
        length = _number(given, "length_km", where)
        if length is None or not 0 < length <= MAX_KM:
            got = "none" if length is None else f"{length:g}"
            raise ValueError(f"{where} must have a length_km > 0 and <= {MAX_KM:,}, got {got}")
        fidelity = _number(given, "fidelity", where)
        fidelity = self.link_fidelity if fidelity is None else fidelity
        fidelity = draws.spread.fidelity(draws.generator) if fidelity is None else fidelity
        if not 0.25 <= fidelity <= 1:
            raise ValueError(f"{where} must have a fidelity in [0.25, 1], got {fidelity}")
        rounds = _number(given, "purification_rounds", where)
        if rounds not in (None, *range(MAX_PURIFICATION_ROUNDS + 1)):
            raise ValueError(f"{where} must have purification_rounds of 0 to {MAX_PURIFICATION_ROUNDS}, got {rounds:g}")
        (link,) = draws.links([length], [fidelity])
        return Link(first, second, link if rounds is None else replace(link, purification_rounds=int(rounds)))

    def _seats(self, nodes: Sequence[Mapping[str, str]], names: Sequence[str]) -> dict[str, list[int]] | None:
        """Return the nodes of every role, by name; None if no node has one."""
        seats: dict[str, list[int]] = {role: [] for role in ROLES}
        for number in sorted(range(len(names)), key=lambda n: names[n]):
            role = nodes[number].get("role")
            if role not in (None, *ROLES):
                raise ValueError(
                    f"{self.file.path}: the role of {names[number]} must be one of {', '.join(ROLES)}, got {role}"
                )
            seats[role or "repeater"].append(number)
        if all(node.get("role") is None for node in nodes):
            return None
        if len(seats["hub"]) != 1:
            raise ValueError(f"{self.file.path}: one node must have the role hub, got {len(seats['hub'])}")
        for role in ("processor", "replica"):
            if not seats[role]:
                raise ValueError(f"{self.file.path}: at least one node must have the role {role}, got none")
        return seats


Edge = tuple[int, int, dict[str, str]]
"""The numbers of its two nodes, and its attributes."""


def read_graphml(file: InputFile) -> tuple[list[dict[str, str]], list[Edge]]:
    """Return the nodes with their attributes (and `id`), and edges, each link once. Raises ValueError for what is
    wrong.

    rustworkx's reader would not do: it drops an edge to an unknown node in silence, forgets the directions of mixed
    edges, and reads document types.
    """
    root = _parsed(file)
    graphs = _children(root, "graph")
    if _plain_tag(root) != "graphml" or len(graphs) != 1:
        raise ValueError(f"{file.path} must be a GraphML file with one graph, got {len(graphs)} in {_plain_tag(root)}")
    for wrong in ("hyperedge", "graph"):
        if any(_plain_tag(element) == wrong for element in graphs[0].iter() if element is not graphs[0]):
            raise ValueError(f"{file.path} must have nodes and edges alone, got a {wrong} within its graph")
    keys = {kind: _Keys.of(root, kind, file.path) for kind in ("node", "edge")}
    nodes = []
    for node in _children(graphs[0], "node"):
        name = node.get("id", "")
        nodes.append(keys["node"].values(node, f"{file.path}: the node {name}") | {"id": name})
    place = {node["id"]: number for number, node in enumerate(nodes)}
    if len(place) < len(nodes) or "" in place:
        raise ValueError(f"{file.path}: every node must have an id of its own")
    return nodes, _edges(graphs[0], place, keys["edge"], file.path)


def _parsed(file: InputFile) -> ElementTree.Element:
    """Return the root element; a document type, with its entities, and too many nodes are refused while they
    are read.
    """
    guard, found = expat.ParserCreate(), 0

    def count(tag: str, _: object) -> None:
        nonlocal found
        found += tag.rpartition(":")[2] == "node"
        if found > MAX_NODES:
            raise _RefusedError(f"{file.path} must have at most {MAX_NODES} nodes, got more")

    def refuse_document_type(*_: object) -> None:
        raise _RefusedError(f"{file.path} must have no document type (<!DOCTYPE>), got one")

    guard.StartElementHandler, guard.StartDoctypeDeclHandler = count, refuse_document_type
    try:
        guard.Parse(file.content, True)
        return ElementTree.fromstring(file.content)
    except _RefusedError:
        raise
    except (ElementTree.ParseError, expat.ExpatError, LookupError, ValueError) as error:
        raise ValueError(f"{file.path} must be a GraphML file, but it is not well-formed: {error}") from None


class _RefusedError(ValueError):
    """A file is well-formed, but refused."""


def _edges(graph: ElementTree.Element, place: Mapping[str, int], keys: _Keys, path: str) -> list[Edge]:
    edges: list[Edge] = []
    seen: dict[frozenset[int], tuple[str, bool, dict[str, str]]] = {}
    for edge in _children(graph, "edge"):
        for end in ("source", "target"):
            if edge.get(end) not in place:
                raise ValueError(f"{path}: the {end} of every edge must be a node, got {edge.get(end)}")
        source, target = edge.get("source", ""), edge.get("target", "")
        where = f"{path}: the edge {source} - {target}"
        if source == target:
            raise ValueError(f"{where} must join two nodes")
        values = keys.values(edge, where)
        directed = _direction(edge, graph, where)
        ends = frozenset((place[source], place[target]))
        if ends not in seen:
            seen[ends] = (source, directed, values)
            edges.append((place[source], place[target], values))
        elif not directed or seen[ends][1:] != (True, values) or seen[ends][0] == source:
            raise ValueError(
                f"{where} comes a second time: routes use one link between two nodes, so give it the capacity of both "
                "and leave the other out"
            )
        else:
            seen[ends] = (source, False, values)
    return edges


def _direction(edge: ElementTree.Element, graph: ElementTree.Element, where: str) -> bool:
    """Return whether an edge is a directed one."""
    said = edge.get("directed", str(graph.get("edgedefault") == "directed")).lower()
    if said not in ("true", "false"):
        raise ValueError(f"{where} must be directed true or false, got {said!r}")
    return said == "true"


@dataclass(frozen=True)
class _Keys:
    """A file's declarations for the data of its nodes, or of its edges: names by key, and defaults by name."""

    names: dict[str, str]
    defaults: dict[str, str]

    @classmethod
    def of(cls, root: ElementTree.Element, kind: str, path: str) -> _Keys:
        names: dict[str, str] = {}
        defaults = {}
        for key in _children(root, "key"):
            if key.get("for", "all") not in (kind, "all"):
                continue
            identity = key.get("id", "")
            name = key.get("attr.name", identity)
            if identity in names or name in names.values():
                raise ValueError(f"{path}: {name} of every {kind} must be declared by one key, got two")
            names[identity] = name
            for default in _children(key, "default"):
                defaults[name] = _text(default)
        return cls(names, defaults)

    def values(self, element: ElementTree.Element, where: str) -> dict[str, str]:
        """Return the data of a node or edge by name, defaults included; without what is empty."""
        found: dict[str, str] = {}
        for data in _children(element, "data"):
            key = data.get("key", "")
            if key not in self.names:
                raise ValueError(f"{where} has data of the key {key!r}, which is not declared for it")
            if self.names[key] in found:
                raise ValueError(f"{where} has {self.names[key]} twice")
            found[self.names[key]] = _text(data)
        return {name: text for name, text in (self.defaults | found).items() if text}


def _text(element: ElementTree.Element) -> str:
    return (element.text or "").strip()


def _plain_tag(element: ElementTree.Element) -> str:
    """Return the tag without its namespace."""
    return element.tag.rpartition("}")[2]


def _children(element: ElementTree.Element, tag: str) -> list[ElementTree.Element]:
    return [child for child in element if _plain_tag(child) == tag]


def _dealt(nodes: Sequence[int], count: int) -> list[int]:
    return [nodes[place % len(nodes)] for place in range(count)]


def _number(given: Mapping[str, str], name: str, where: str) -> float | None:
    """Return the attribute as a number; None if it is not there."""
    value = given.get(name)
    if value is None:
        return None
    number = float(value) if is_number(value) else math.nan
    if not math.isfinite(number):
        raise ValueError(f"{where} must have a finite number as {name}, got {value!r}")
    return number
