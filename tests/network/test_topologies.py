"""Topologies: connected, the same for the same seed; routes that are really the cheapest; files read or refused."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.kernel.input_file import InputFile
from ceas_ray.network.complete import Complete
from ceas_ray.network.graphml import GraphML
from ceas_ray.network.grid import Grid
from ceas_ray.network.line import Line
from ceas_ray.network.link_parameters import LinkDraws, LinkParameters
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.random_geometric import RandomGeometric
from ceas_ray.network.ring import Ring
from ceas_ray.network.routing import Graph, Link, cost_of, routed
from ceas_ray.network.star import Star
from ceas_ray.network.waxman import Waxman
from ceas_ray.quantum.bell_pairs import swapped_fidelity
from tests.network.hardware import HARDWARE, SPREAD

TOPOLOGIES = [
    Star(), Complete(), Line(6, None, None, "fidelity"), Ring(7, None, None, "rate"), Grid(3, 4, 1.0, 0.98, "fidelity"),
    RandomGeometric(12, 4.0, 2.6, None, "rate"), Waxman(12, 4.0, 0.5, 1.0, None, "fidelity"),
]  # fmt: skip


def built(topology: Any, seed: int, processors: int = 8, replicas: int = 4) -> NetworkPlan:
    plan: NetworkPlan = topology.build(processors, replicas, LinkDraws(HARDWARE, SPREAD, np.random.default_rng(seed)))
    return plan


@pytest.mark.parametrize("topology", TOPOLOGIES, ids=lambda topology: type(topology).__name__)
def test_every_topology_reaches_everyone_and_depends_on_its_seed_alone(topology: Any) -> None:
    plan = built(topology, 1)
    assert (len(plan.processor_routes), len(plan.replica_routes)) == (8, 4)
    hub = plan.routes[0].nodes[0]
    for route in plan.routes:
        assert route.nodes[0] == hub
        assert len(route.nodes) == len(route.legs) + 1 == len(route.links) + 1
        assert len(set(route.nodes)) == len(route.nodes), "a route comes twice through a node"
        for link, first, second in zip(route.links, route.nodes, route.nodes[1:], strict=False):
            assert set(plan.ends[link]) == {first, second}
    assert plan == built(topology, 1)
    if not isinstance(topology, Grid):
        assert plan != built(topology, 2)
    assert plan.is_star == (type(topology) in (Star, Complete))


def test_the_hub_is_the_center_and_the_nearest_nodes_are_taken_first() -> None:
    line = built(Line(5, 1.0, 0.98, "fidelity"), 1, processors=3, replicas=2)
    assert [route.nodes for route in line.replica_routes] == [
        ("node/0002", "node/0001"), ("node/0002", "node/0003")]  # fmt: skip
    assert [route.nodes[-1] for route in line.processor_routes] == ["node/0000", "node/0004", "node/0001"]
    assert built(Grid(3, 3, 1.0, 0.98, "fidelity"), 1).routes[0].nodes[0] == "node/0004"
    even = built(Line(4, 1.0, 0.98, "fidelity"), 1)
    assert even.routes[0].nodes[0] == "node/0001", "of two centers the first by name"


def test_a_route_is_as_good_as_its_links_and_swaps() -> None:
    route = built(Line(9, 2.0, 0.95, "fidelity"), 1, processors=4).processor_routes[-1]
    assert len(route.legs) == 4
    expected = 0.95
    for _ in range(3):
        expected = float(swapped_fidelity(expected, 0.95)) - 0.25
        expected = 0.25 + expected * 0.98
    assert route.fidelity == pytest.approx(expected)
    assert route.latency == 4 * route.legs[0].latency
    assert route.rate == route.legs[0].rate


def ways(graph: Graph, start: int, end: int) -> Iterator[list[int]]:
    """All simple paths, as lists of links."""
    between: dict[tuple[int, int], list[int]] = {}
    for number, link in enumerate(graph.links):
        between.setdefault((link.first, link.second), []).append(number)
        between.setdefault((link.second, link.first), []).append(number)
    others = [node for node in range(len(graph.names)) if node not in (start, end)]
    for length in range(len(others) + 1):
        for middle in itertools.permutations(others, length):
            steps = list(itertools.pairwise((start, *middle, end)))
            if all(step in between for step in steps):
                yield from ([*links] for links in itertools.product(*(between[step] for step in steps)))


@settings(max_examples=60, deadline=None)
@given(
    nodes=st.integers(2, 6), seed=st.integers(0, 10**6), route_by=st.sampled_from(["fidelity", "rate"]),
    equal=st.booleans(),
)  # fmt: skip
def test_routes_are_the_cheapest_and_do_not_depend_on_the_order_of_links(
    nodes: int, seed: int, route_by: Any, equal: bool
) -> None:
    draw = np.random.default_rng(seed)
    pairs = [(0, node) for node in range(1, nodes)] + [(i, j) for i in range(1, nodes) for j in range(i + 1, nodes)]
    pairs = [pair for pair in pairs if draw.random() < 0.8]
    made = [
        HARDWARE.link(1.0, 0.95) if equal else HARDWARE.link(draw.uniform(0.1, 30), draw.uniform(0.5, 1)) for _ in pairs
    ]
    links = [Link(first, second, link) for (first, second), link in zip(pairs, made, strict=True)]
    names = tuple(f"node {number}" for number in draw.permutation(nodes))
    graph = Graph(names, tuple(links), "")
    cost = cost_of(route_by, 0.98)

    def price(route: list[LinkParameters]) -> float:
        return sum(map(cost, route))

    everyone = list(range(1, nodes))
    if any(next(ways(graph, 0, node), None) is None for node in everyone):
        with pytest.raises(ValueError, match=r"the network must be connected, but node \d cannot be reached from"):
            routed(graph, 0, processors=everyone, replicas=[], route_by=route_by, swap_werner=0.98)
        return
    plan = routed(graph, 0, processors=everyone, replicas=[], route_by=route_by, swap_werner=0.98)
    for node, route in zip(everyone, plan.processor_routes, strict=True):
        best = min(price([graph.links[n].parameters for n in way]) for way in ways(graph, 0, node))
        assert price(list(route.legs)) == pytest.approx(best, rel=1e-9)
    shuffled = Graph(names, tuple(links[i] for i in draw.permutation(len(links))), "")
    again = routed(shuffled, 0, processors=everyone, replicas=[], route_by=route_by, swap_werner=0.98)
    assert [route.nodes for route in again.processor_routes] == [route.nodes for route in plan.processor_routes]


@pytest.mark.parametrize(
    ("topology", "remedy"),
    [
        (RandomGeometric(8, 4.0, 0.3, None, "rate"), "raise network.radius_km"),
        (Waxman(8, 4.0, 0.01, 0.1, None, "rate"), "raise network.alpha or network.beta"),
    ],
)
def test_a_network_in_pieces_is_refused_with_the_node_and_the_remedy(topology: Any, remedy: str) -> None:
    with pytest.raises(ValueError, match=rf"node/\d+ cannot be reached from node/\d+: {remedy}"):
        built(topology, 1)


def test_values_out_of_range_are_refused() -> None:
    for make in (
        lambda: Line(1, 1.0, 0.98, "rate"), lambda: Ring(2, 1.0, 0.98, "rate"), lambda: Grid(1, 1, 1.0, 0.98, "rate"),
        lambda: Line(3, 0.0, 0.98, "rate"), lambda: Line(3, 1.0, 1.2, "rate"),
        lambda: RandomGeometric(5, 1.0, -1.0, None, "rate"), lambda: Waxman(5, 1.0, 0.4, 1.5, None, "rate"),
        lambda: Line(3, "far", 0.98, "rate"),  # type: ignore[arg-type]
    ):  # fmt: skip
        with pytest.raises(ValueError, match="must be a number"):
            make()
    with pytest.raises(ValueError, match="route_by must be fidelity or rate, got hops"):
        built(Line(3, 1.0, 0.98, "hops"), 1)  # type: ignore[arg-type]


HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="l" for="edge" attr.name="length_km" attr.type="double"/>
<key id="f" for="edge" attr.name="fidelity" attr.type="double"/>
<key id="r" for="node" attr.name="role" attr.type="string"/>
<graph edgedefault="undirected">
"""


def graphml(folder: Path, nodes: dict[str, str | None], edges: list[tuple[str, str, Any, Any]]) -> GraphML:
    lines = [HEAD]
    for name, role in nodes.items():
        lines.append(f'<node id="{name}">' + (f'<data key="r">{role}</data>' if role else "") + "</node>")
    for first, second, length, fidelity in edges:
        given = "" if length is None else f'<data key="l">{length}</data>'
        given += "" if fidelity is None else f'<data key="f">{fidelity}</data>'
        lines.append(f'<edge source="{first}" target="{second}">{given}</edge>')
    file = folder / "network.graphml"
    file.write_text("\n".join([*lines, "</graph></graphml>"]))
    return GraphML(InputFile.read(str(file)), None, "fidelity")


CITIES: dict[str, str | None] = {"delft": "replica", "hague": "hub", "leiden": None, "utrecht": "processor"}
FIBRES = [("hague", "delft", 9.5, 0.98), ("hague", "leiden", 15.0, 0.97), ("leiden", "utrecht", 4.0, None)]


def test_ones_own_network_is_read_with_its_roles(tmp_path: Path) -> None:
    plan = built(graphml(tmp_path, CITIES, FIBRES), 1)
    assert {route.nodes for route in plan.replica_routes} == {("hague", "delft")}
    assert {route.nodes for route in plan.processor_routes} == {("hague", "leiden", "utrecht")}
    first, second = plan.processor_routes[0].legs
    assert (first.length_km, first.fidelity, second.length_km) == (15.0, 0.97, 4.0)
    assert 0.94 <= second.fidelity <= 0.985, "what the file leaves open is drawn"


def test_without_roles_the_center_is_the_hub(tmp_path: Path) -> None:
    plan = built(graphml(tmp_path, dict.fromkeys(CITIES), FIBRES), 1)
    assert plan.routes[0].nodes[0] == "hague"
    assert plan.replica_routes[0].nodes[-1] == "delft"


def test_what_is_wrong_with_a_file_is_said(tmp_path: Path) -> None:
    for nodes, edges, complaint in (
        (CITIES, [*FIBRES[:2], ("leiden", "utrecht", None, 0.9)], "leiden - utrecht must have a length_km > 0"),
        (CITIES, [*FIBRES[:2], ("leiden", "utrecht", -3, 0.9)], "must have a length_km > 0 and <= 40,000, got -3"),
        (CITIES, [*FIBRES[:2], ("leiden", "utrecht", "nan", 0.9)], "must have a finite number as length_km, got 'nan'"),
        (CITIES, [*FIBRES[:2], ("leiden", "utrecht", "far", 0.9)], "must have a finite number as length_km, got 'far'"),
        (CITIES, [*FIBRES[:2], ("leiden", "utrecht", 2, 1.7)], r"must have a fidelity in \[0.25, 1\], got 1.7"),
        (CITIES, [*FIBRES, ("leiden", "paris", 2, None)], "the target of every edge must be a node, got paris"),
        (CITIES, [*FIBRES, ("leiden", "leiden", 2, None)], "leiden - leiden must join two nodes"),
        (CITIES, FIBRES[:2], "utrecht cannot be reached from hague: join it by an edge in"),
        (CITIES | {"hague": None}, FIBRES, "one node must have the role hub, got 0"),
        (CITIES | {"leiden": "hub"}, FIBRES, "one node must have the role hub, got 2"),
        (CITIES | {"delft": None}, FIBRES, "at least one node must have the role replica, got none"),
        (CITIES | {"leiden": "king"}, FIBRES, "the role of leiden must be one of hub, processor, replica, repeater"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=complaint):
            built(graphml(tmp_path, nodes, edges), 1)
    (tmp_path / "torn.graphml").write_text(HEAD + '<node id="a">')
    with pytest.raises(ValueError, match=r"torn\.graphml must be a GraphML file, but it is not well-formed"):
        built(GraphML(InputFile.read(str(tmp_path / "torn.graphml")), None, "rate"), 1)
    for text, complaint in (
        ("<foo/>", "must be a GraphML file with one graph, got 0 in foo"),
        (HEAD + '<node id="a"/><node id="a"/></graph></graphml>', "every node must have an id of its own"),
        (HEAD + '<node id="a"/></graph></graphml>', "nodes must be at least 2"),
    ):
        (tmp_path / "odd.graphml").write_text(text)
        with pytest.raises(ValueError, match=complaint):
            built(GraphML(InputFile.read(str(tmp_path / "odd.graphml")), None, "rate"), 1)


def test_defaults_of_a_file_hold_where_an_edge_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "default.graphml").write_text(
        '<graphml><key id="d" for="edge" attr.name="length_km"><default> 7.5 </default></key><graph>'
        '<node id="a"/><node id="b"/><node id="c"/><edge source="b" target="a"/>'
        '<edge source="b" target="c"><data key="d">2</data></edge></graph></graphml>'
    )
    plan = built(GraphML(InputFile.read(str(tmp_path / "default.graphml")), 0.98, "rate"), 1, processors=1, replicas=1)
    assert [route.legs[0].length_km for route in plan.routes] == [7.5, 2.0]


def purified(rounds: str) -> GraphML:
    """A network of whose first edge the file says how often its pairs are purified."""
    text = edges("ab").replace("<graph ", '<key id="p" for="edge" attr.name="purification_rounds"/><graph ')
    return of_text(text.replace("</data></edge>", f'</data><data key="p">{rounds}</data></edge>', 1))


@pytest.mark.parametrize("rounds", [0, 2])
def test_an_edge_may_say_how_often_its_pairs_are_purified(rounds: int) -> None:
    plan = built(purified(str(rounds)), 1)
    assert {leg.purification_rounds for route in plan.routes for leg in route.legs} == {rounds, None}
    assert plan.purification_rounds == rounds
    for wrong in ("1.5", "5", "-1"):
        with pytest.raises(ValueError, match=f"must have purification_rounds of 0 to 4, got {wrong}"):
            built(purified(wrong), 1)


def of_text(text: str | bytes) -> GraphML:
    return GraphML(InputFile("/net.graphml", text.encode() if isinstance(text, str) else text), 0.98, "fidelity")


def edges(*pairs: str, of: str = "undirected", length: float = 1) -> str:
    """A file with nodes a to d, joined as `ab` says, and by b-c and c-d."""
    made = [f'<edge source="{a}" target="{b}"><data key="l">{length}</data></edge>' for a, b in (*pairs, "bc", "cd")]
    nodes = "".join(f'<node id="{name}"/>' for name in "abcd")
    return HEAD.replace("undirected", of) + nodes + "".join(made) + "</graph></graphml>"


def test_a_directed_edge_each_way_is_one_link() -> None:
    assert built(of_text(edges("ab", "ba", of="directed")), 1) == built(of_text(edges("ab")), 1)
    each_way = edges("ab").replace('<edge source="a"', '<edge directed="true" source="a"')
    back = '<edge directed="true" source="b" target="a"><data key="l">1</data></edge></graph>'
    assert built(of_text(each_way.replace("</graph>", back)), 1) == built(of_text(edges("ab")), 1)


@pytest.mark.parametrize("text", [
    edges("ab", "ab"), edges("ab", "ba"), edges("ab", "ab", of="directed"), edges("ab", "ba", "ba", of="directed"),
    edges("ab", "ba", "ab", of="directed"),
    edges("ab", of="directed").replace("</graph>", '<edge source="b" target="a"><data key="l">2</data></edge></graph>'),
])  # fmt: skip
def test_a_second_link_between_two_nodes_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match=r"the edge [ab] - [ab] comes a second time: .* the capacity of both"):
        built(of_text(text), 1)


def test_bad_files_are_refused_in_one_line() -> None:
    good = edges("ab")
    laughs = '<!DOCTYPE g [<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {chr(98 + k)} "{f"&{chr(97 + k)};" * 10}">' for k in range(12)
    ) + "]>"  # fmt: skip
    for text, complaint in (
        (good.replace("UTF-8", "x-foo"), "not well-formed: unknown encoding"),
        (good.replace("UTF-8", "shift_jis"), "not well-formed"), (good.replace("UTF-8", "UTF-16"), "not well-formed"),
        (good.replace("<graphml", laughs + "<graphml"), "must have no document type"),
        (good.replace("<graphml", '<!DOCTYPE g SYSTEM "file:///etc/passwd"><graphml'), "must have no document type"),
        (good.replace("</graph>", "<hyperedge/></graph>"), "got a hyperedge within its graph"),
        (good.replace('<node id="a"/>', '<node id="a"><graph/></node>'), "got a graph within its graph"),
        (good.replace('key="l"', 'key="k"', 1), "the edge a - b has data of the key 'k', which is not declared"),
        (good.replace("<data", '<data key="l">2</data><data', 1), "the edge a - b has length_km twice"),
        (good.replace("<graph ", '<key id="m" for="edge" attr.name="length_km"/><graph '), "by one key, got two"),
        (good.replace(">1<", ">inf<", 1), "must have a finite number as length_km, got 'inf'"),
        (good.replace(">1<", ">1e9<", 1), "must have a length_km > 0 and <= 40,000, got 1e+09"),
        (good.replace(">1<", ">1_0<", 1), "must have a finite number as length_km, got '1_0'"),
        (good.replace("<edge", '<edge directed="maybe"', 1), "a - b must be directed true or false, got 'maybe'"),
        (good.replace(">1<", "><", 1), "must have a length_km > 0 and <= 40,000, got none"),
        (good.encode() + b"\x00", "not well-formed"),
        (good.replace(">1<", ">9000<", 1), "must succeed at least once in 1e12"), (b"", "not well-formed"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=re.escape(complaint)) as refused:
            built(of_text(text), 1)
        assert "\n" not in str(refused.value)


def test_attributes_that_nothing_is_made_of_are_told_of() -> None:
    keys = "".join(
        f'<key id="{name}" for="{kind}" attr.name="{name}"/>'
        for name, kind in (("Fidelity", "edge"), ("capacity", "edge"), ("place", "node"))
    )
    text = edges("ab").replace("<graph ", f"{keys}<graph ", 1)
    text = text.replace('<node id="a"/>', '<node id="a"><data key="place">x</data></node>')
    more = '<data key="Fidelity">.9</data><data key="capacity">2</data>'
    text = text.replace('<data key="l">', f'{more}<data key="l">', 1)
    assert built(of_text(text), 1).notes == (
        "/net.graphml: place of nodes is not used", "/net.graphml: Fidelity, capacity of edges is not used",
    )  # fmt: skip
    assert built(of_text(edges("ab")), 1).notes == ()


def test_more_nodes_than_can_be_routed_are_refused() -> None:
    nodes = "".join(f'<node id="{k}"/>' for k in range(6000))
    with pytest.raises(ValueError, match="must have at most 1000 nodes, got more"):
        built(of_text(HEAD + nodes + "</graph></graphml>"), 1)


@settings(max_examples=200)
@given(at=st.integers(0, 600), new=st.binary(min_size=0, max_size=3), gone=st.integers(0, 40))
def test_a_damaged_file_is_a_network_or_one_line(at: int, new: bytes, gone: int) -> None:
    content = edges("ab", "ba", of="directed").encode()
    try:
        built(of_text(content[:at] + new + content[at + gone :]), 1)
    except ValueError as error:
        assert "\n" not in str(error)
