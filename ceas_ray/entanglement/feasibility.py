"""What a network can serve at all; leases and key rates are checked where they are computed."""

from __future__ import annotations

from ceas_ray.entanglement.plan import Demand
from ceas_ray.messages.payloads import StockPolicy
from ceas_ray.network.network_plan import NetworkPlan


def refuse_infeasible(network: NetworkPlan, demand: Demand) -> None:
    """Raise ValueError for a demand that no plan could serve on this network."""
    shared = [part.pairs for group in network.groups for part in group.routes]
    most = max(shared, default=demand.pairs_per_shot)
    if demand.slots < most:
        raise ValueError(f"entanglement.slots must be at least the {most} pairs of a shot, got {demand.slots}")
    rounds = network.processor_routes[0].swapping.purification_rounds
    if demand.slots < most + rounds:
        raise ValueError(
            f"entanglement.slots must be at least {most + rounds}, a shot's pairs and one per "
            f"round of purification, got {demand.slots}"
        )


def refuse_policy(policy: StockPolicy, network: NetworkPlan) -> None:
    """Raise ValueError for a stock policy that the links of this network cannot carry out."""
    swapping = network.processor_routes[0].swapping
    if policy.clairvoyant and (swapping.success < 1 or swapping.purification_rounds > 0):
        raise ValueError(
            "scheduling must not be clairvoyant where swaps can fail or pairs are purified (it foresees attempts "
            f"alone), got links.swap_success={swapping.success} and "
            f"entanglement.purification_rounds={swapping.purification_rounds}"
        )
