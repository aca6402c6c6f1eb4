"""Quick checks of what a network can serve at all: they make no plan and solve no scheduler's chain."""

from __future__ import annotations

from ceas_ray.entanglement.demand import Demand
from ceas_ray.entanglement.key_paths import KeyPaths
from ceas_ray.entanglement.leases import refuse_unlendable
from ceas_ray.messages.payloads import StockPolicy
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.scheduling.perishable_chain import LinkClass


def refuse_unservable(network: NetworkPlan, demand: Demand, paths: KeyPaths) -> None:
    """Raise ValueError for a demand that some plan could not serve: of shots, of leases or of keys."""
    refuse_infeasible(network, demand)
    refuse_unlendable(network, demand)
    for path in paths.weakest():
        paths.seconds(path, 1.0)


def link_classes(network: NetworkPlan, demand: Demand) -> tuple[LinkClass, ...]:
    """Return the classes of all links and routes that plans need a stock policy of, each once, in order."""
    parts = [(demand.of_route(part, group), part.route) for group in network.groups for part in group.routes]
    parties = () if network.groups else range(len(network.processor_routes))
    alone = [route for k in parties for route in network.shot_routes(k)]
    served = [*parts, *((demand, route) for route in (*alone, *network.replica_routes))]
    return tuple(dict.fromkeys(asked.link_class(route) for asked, route in served))


def refuse_infeasible(network: NetworkPlan, demand: Demand) -> None:
    """Raise ValueError for a demand that no plan could serve on this network."""
    if network.parallel and demand.is_rotation:
        raise ValueError("entanglement.demand must be bursts for network.in_parallel=true, got rotation")
    shared = [part.pairs for group in network.groups for part in group.routes]
    max_pairs = max(shared, default=demand.pairs_per_shot)
    if demand.slots < max_pairs:
        raise ValueError(f"entanglement.slots must be at least the {max_pairs} pairs of a shot, got {demand.slots}")
    rounds = network.purification_rounds
    if demand.slots < max_pairs + rounds:
        raise ValueError(
            f"entanglement.slots must be at least {max_pairs + rounds}, a shot's pairs and one per "
            f"round of purification, got {demand.slots}"
        )


def shortest_shots(network: NetworkPlan, demand: Demand) -> int:
    """Return a time, ps, that the shots of a round last for at least, however they are released."""
    shots = demand.shots + demand.test_shots
    served = (of for k in range(len(network.processor_routes)) for of in network.shots_of_sources(k, shots))
    return max((n - 1) * demand.shot_period(source) + demand.shot_deadline(source) for source, n in served if n > 0)


def refuse_policy(policy: StockPolicy, network: NetworkPlan) -> None:
    """Raise ValueError for a stock policy that the links of this network cannot carry out."""
    success, rounds = network.processor_routes[0].swapping.success, network.purification_rounds
    if policy.clairvoyant and (success < 1 or rounds > 0):
        raise ValueError(
            "scheduling must not be clairvoyant where swaps can fail or pairs are purified (it foresees attempts "
            f"alone), got links.swap_success={success} and {rounds} rounds of purification"
        )
