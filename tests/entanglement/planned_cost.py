"""What a round costs by its plans, to compare forecasts with."""

from __future__ import annotations

from dataclasses import dataclass

from ceas_ray.entanglement.planner import WARM_UP
from ceas_ray.entanglement.round_controller import RoundController
from ceas_ray.kernel.time import seconds
from ceas_ray.messages.payloads import processor_link_name
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.quantum.bell_pairs import key_rate


@dataclass(frozen=True)
class PlannedCost:
    """Of a round: pairs over all links, key bits, simulated seconds; and the seconds of the warm-up."""

    pairs: float
    key_bits: float
    simulated_seconds: float
    warm_up_seconds: float


def planned_cost(controller: RoundController) -> PlannedCost:
    """Return what a good round in the middle of a run costs, before any is run."""
    network, paths, keys = controller.planner._network, controller._paths, controller.keys
    good = {
        path: float(keys.good_round(path.owner, path.peer, 0) + keys.good_round(path.peer, path.owner, 0))
        for path in paths
    }
    planned = controller.planner.plan(0, 0, good)
    link_pairs = {processor_link_name(k): _link_pairs_per_shot(controller, k) for k in range(len(keys.processors))}
    bits = pairs = 0.0
    for name, plan in planned.plans:
        pairs += len(plan.releases) * link_pairs.get(name, 0)
        for peer, wanted in zip(plan.key_peers, plan.key_bits_wanted, strict=True):
            route = network.key_route(name.removeprefix("link/"), peer)
            bits += float(wanted)
            pairs += float(wanted) * route.raw_pairs / max(1e-9, float(key_rate(route.fidelity)))
    return PlannedCost(pairs, bits, seconds(planned.ends_at), seconds(controller.plan(WARM_UP, 0).ends_at))


def _link_pairs_per_shot(controller: RoundController, k: int) -> int:
    network: NetworkPlan = controller.planner._network
    if network.groups:
        return sum(part.pairs * part.route.raw_pairs for part in network.groups[k].routes)
    return controller.planner._demand.pairs_per_shot * network.processor_routes[k].raw_pairs
