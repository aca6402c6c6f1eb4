"""The network that settings choose: what its topology builds, checked; grouped where processors share a circuit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ceas_ray.config.errors import SettingsError, UnusableSettings, blame_on
from ceas_ray.config.policies import instantiate
from ceas_ray.config.schema import RunSettings
from ceas_ray.kernel.policy_calls import PolicyError, called, wrong_return
from ceas_ray.messages.payloads import processor_name, replica_name
from ceas_ray.network.link_parameters import Heterogeneity, LinkDraws, LinkParameters
from ceas_ray.network.network_plan import NetworkPlan, Topology
from ceas_ray.network.route import Route, Swapping
from ceas_ray.quantum.circuit_values import VariationalCircuit
from ceas_ray.world.checks import check_network
from ceas_ray.world.counts import Counts
from ceas_ray.world.inputs import RunInputs
from ceas_ray.world.link_hardware import link_hardware
from ceas_ray.world.shared_circuit import ends_of_pairs


def network_of(
    settings: RunSettings, counts: Counts, *, generator: np.random.Generator, inputs: RunInputs
) -> NetworkPlan:
    """Return the network of all processors, with the swaps that settings choose; raises SettingsError for one that
    cannot be.

    generator: draws lengths and fidelities.
    """
    links = settings.links
    spread = Heterogeneity(
        min_km=links.min_km,
        max_km=links.max_km,
        min_fidelity=links.min_fidelity,
        mean_fidelity=links.mean_fidelity,
        max_fidelity=links.max_fidelity,
        replica_km=links.replica_km,
        replica_fidelity=links.replica_fidelity,
    )
    topology = instantiate(settings.network, "network", Topology, inputs.read)
    network = _built(
        topology,
        processors=settings.processors.count,
        replicas=counts.replicas,
        draws=LinkDraws(link_hardware(links), spread, generator),
    )
    inputs.note(network.notes)
    if settings.consensus.committee == "processors":
        network = _with_replicas_at_processors(network)
    return network.swapping_by(_swapping(settings))


def network_of_groups(
    settings: RunSettings, whole: NetworkPlan, group_size: int, shared_circuit: VariationalCircuit
) -> NetworkPlan:
    """Return the network with its processors in groups, if they share circuits; SettingsError for one that does not
    serve.

    shared_circuit: says between which processors of a group pairs are needed.
    """
    network = whole
    if group_size > 1:
        network = blame_on("network", lambda: whole.grouped(group_size, ends_of_pairs(shared_circuit)))
    check_network(settings, network)
    return network


def _swapping(settings: RunSettings) -> Swapping:
    links, choice = settings.links, settings.entanglement
    return Swapping(
        links.swap_werner,
        links.swap_success,
        purification_rounds=choice.purification_rounds,
        purification_target=choice.purification_target,
        order=choice.swapping,
    )


def _with_replicas_at_processors(network: NetworkPlan) -> NetworkPlan:
    """Put replica j at the node of processor j: its leg is like the processor's link, multiplexed as every leg is."""
    if not network.swapped or not network.is_star:
        raise SettingsError("network", "star for consensus.committee=processors", "another")
    pairs = zip(network.replica_routes, network.processor_routes, strict=True)
    return replace(network, replica_routes=tuple(replace(leg, legs=link.legs) for leg, link in pairs))


def _built(topology: Topology, *, processors: int, replicas: int, draws: LinkDraws) -> NetworkPlan:
    """Return what the topology builds.

    Raises SettingsError where there is no such network, and PolicyError for a topology, perhaps a user's own, that
    fails or leaves somebody out.
    """
    try:
        plan = called(topology, "build", processors, replicas, draws=draws)
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
    """Return what a plan must be, and what it is instead; None for a good one."""
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
