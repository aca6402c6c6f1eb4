"""Networks from files: read with what they say, or refused in one line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.kernel.input_file import InputFile
from ceas_ray.network.graphml import GraphML
from tests.network.networks import built

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
