"""From settings to the actors that run the rounds: the entanglement manager and the hub."""

from __future__ import annotations

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.policies import instantiate
from ceas_ray.config.schema import RunSettings
from ceas_ray.entanglement.entanglement_manager import EntanglementManager, OnStall, RoundTiming
from ceas_ray.entanglement.hub import Hub
from ceas_ray.entanglement.plan import Demand
from ceas_ray.kernel.time import picoseconds
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.scheduling.checked_scheduler import CheckedScheduler
from ceas_ray.scheduling.scheduler import Scheduler
from ceas_ray.world.blueprint import Blueprint
from ceas_ray.world.checks import check_shots
from ceas_ray.world.inputs import Inputs
from ceas_ray.world.model import asked_circuits_of
from ceas_ray.world.times import control_delay, update_time


def demand_of(settings: RunSettings, network: NetworkPlan) -> Demand:
    """Return what a round asks of every link, and by when."""
    choice = settings.entanglement
    pairs = network.groups[0].pairs_per_shot if network.groups else settings.training.qubits
    return Demand(
        shots=settings.training.circuits_per_round, pairs_per_shot=pairs,
        burst_shots=choice.burst_shots, gap_periods=choice.gap_periods, supply=choice.supply,
        deadline_periods=choice.deadline_periods, useful_age_periods=choice.useful_age_periods,
        least_fidelity=choice.least_fidelity, slots=choice.slots, hub_channels=choice.hub_channels,
        multiplexing=choice.multiplexing, test_share=choice.test_share,
        warm_up_test_shots=-(-choice.warm_up_tests // pairs),
        key_useful_age=picoseconds(choice.key_useful_age_milliseconds * 1e-3), key_margin=choice.key_margin,
        fresh_hash_keys=settings.consensus.hash_keys == "fresh", node_slots=choice.node_slots,
        finite_keys=settings.consensus.key_rate == "finite",
    )  # fmt: skip


def entanglement_manager_of(blueprint: Blueprint, inputs: Inputs) -> EntanglementManager:
    """Return the manager; SettingsError for a demand that its network cannot serve."""
    settings, network = blueprint.settings, blueprint.network
    demand, timeout = demand_of(settings, network), settings.consensus.input_timeout
    timing = RoundTiming(
        control_delay=control_delay(settings),
        planning_time=picoseconds(settings.entanglement.planning_milliseconds * 1e-3),
        update_time=update_time(settings),
        input_timeout=None if timeout is None else picoseconds(timeout),
        patience=picoseconds(settings.consensus.patience_milliseconds * 1e-3),
    )
    scheduler = CheckedScheduler(instantiate(settings.scheduling, "scheduling", Scheduler, inputs.read))
    try:
        check_shots(settings, network, demand)
        return EntanglementManager(
            network, settings.links.swap_werner, demand, scheduler, timing, settings.training.rounds,
            bool(blueprint.byzantine), blueprint.spends_pairs, blueprint.streams,
            OnStall(settings.consensus.on_stall, settings.consensus.most_waits),
        )  # fmt: skip
    except ValueError as error:
        raise SettingsError("entanglement", "a demand that the network can serve", str(error)) from None


def hub_of(blueprint: Blueprint) -> Hub:
    """Return the hub, which tests pairs and asks what it knows."""
    settings, counts = blueprint.settings, blueprint.counts
    return Hub(
        counts.parties, counts.replicas, settings.entanglement.half_life_rounds, control_delay(settings),
        asked_circuits_of(settings.training),
    )  # fmt: skip
