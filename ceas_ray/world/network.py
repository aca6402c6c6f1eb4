"""The network that a topology builds, checked."""

from __future__ import annotations

import numpy as np

from ceas_ray.config.errors import UnusableSettings
from ceas_ray.kernel.policy_calls import PolicyError, called, wrong_return
from ceas_ray.messages.payloads import processor_name, replica_name
from ceas_ray.network.link_parameters import Heterogeneity, LinkHardware, LinkParameters
from ceas_ray.network.network_plan import NetworkPlan, Topology
from ceas_ray.network.route import Route


def built_network(
    topology: Topology,
    processors: int,
    replicas: int,
    hardware: LinkHardware,
    spread: Heterogeneity,
    generator: np.random.Generator,
) -> NetworkPlan:
    """What the topology builds; SettingsError where there is no such network, PolicyError for a topology, which may be
    anybody's own, that fails or leaves somebody out."""
    try:
        plan = called(topology, "build", processors, replicas, hardware, spread, generator)
    except PolicyError as error:
        if error.refusal is None:
            raise
        raise UnusableSettings("network", error.refusal) from None
    must = _lacking(plan, processors, replicas)
    if must is not None:
        raise wrong_return(topology, "build", *must)
    assert isinstance(plan, NetworkPlan)
    return plan


def _lacking(plan: object, processors: int, replicas: int) -> tuple[str, object] | None:
    """What a plan must be, and what it is instead; None for a good one."""
    if not isinstance(plan, NetworkPlan):
        return "a NetworkPlan", plan
    for name, routes, count in (
        ("processor_routes", plan.processor_routes, processors),
        ("replica_routes", plan.replica_routes, replicas),
    ):
        if not isinstance(routes, tuple) or len(routes) != count:
            return f"{count} {name}", len(routes) if isinstance(routes, tuple) else routes
        for k, route in enumerate(routes):
            if not _whole(route, plan):
                return f"a plan whose {name}[{k}] is a Route from the hub over its links", route
    if not plan.swapped:
        parties = [processor_name(k) for k in range(processors)]
        for j in range(replicas):
            for name in [*parties, *(replica_name(i) for i in range(j))]:
                if not isinstance(found := plan.direct_links.get((name, replica_name(j))), LinkParameters):
                    return f"direct_links with one between {name} and {replica_name(j)}", found
    return None


def _whole(route: object, plan: NetworkPlan) -> bool:
    if not isinstance(route, Route) or not route.legs or not all(isinstance(leg, LinkParameters) for leg in route.legs):
        return False
    if not len(route.legs) == len(route.links) == len(route.nodes) - 1:
        return False
    if any(type(link) is not int or not 0 <= link < len(plan.ends) for link in route.links):
        return False
    ends = zip(route.links, route.nodes, route.nodes[1:], strict=False)
    starts_at_hub = route.nodes[0] == plan.processor_routes[0].nodes[0]
    return starts_at_hub and all(set(plan.ends[link]) == {a, b} for link, a, b in ends)
