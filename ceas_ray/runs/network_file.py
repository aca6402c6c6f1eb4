"""The network of a run as `network.json` holds it: nodes, links, their quality, and the pairs that they made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceas_ray.messages.pair_books import GENERATED, STORED, USED
from ceas_ray.network.link_parameters import LinkParameters
from ceas_ray.network.network_plan import NetworkPlan

_USES = ("training", "authentication", "testing")


def network_values(network: NetworkPlan, books: NDArray[np.int64]) -> Mapping[str, Any]:
    """Return the nodes with the parties that sit on them, and links with length, fidelity and pairs by use.

    books: of every link and use, shape (links, 3, 6). Length and fidelity of a link that no route takes are null. As in
    the summary, pairs behind key bits are used when their bits are spent, and stored before.
    """
    hub = network.routes[0].nodes[0]
    nodes: dict[str, list[str]] = {hub: []}
    for ends in [*network.ends, *network.direct_links]:
        for end in ends:
            nodes.setdefault(end, [])
    for kind, routes in (("processor", network.processor_routes), ("replica", network.replica_routes)):
        for number, route in enumerate(routes):
            nodes.setdefault(route.nodes[-1], []).append(f"{kind}/{number}")
    known = _parameters(network)
    links = []
    for number, ends in enumerate([*network.ends, *network.direct_links]):
        link, booked = known.get(number), books[number] if number < len(books) else np.zeros((3, 6), np.int64)
        links.append({
            "ends": list(ends),
            "length_km": None if link is None else link.length_km,
            "fidelity": None if link is None else float(link.fidelity),
            "generated": int(booked[:, GENERATED].sum()),
            "used": dict(zip(_USES, (int(n) for n in booked[:, USED]), strict=True)),
            "stored": int(booked[:, STORED].sum()),
        })  # fmt: skip
    return {"hub": hub, "nodes": nodes, "links": links}


def _parameters(network: NetworkPlan) -> dict[int, LinkParameters]:
    """Return the parameters of every link that some route takes, by its number."""
    of_shots = (route for k in range(len(network.processor_routes)) for route in network.shot_routes(k))
    routes = [*network.routes, *of_shots]
    found = {number: leg for route in routes for number, leg in zip(route.links, route.legs, strict=True)}
    return found | dict(enumerate(network.direct_links.values(), start=len(network.ends)))
