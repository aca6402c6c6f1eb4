"""The actors that run the rounds: the entanglement manager and the hub."""

from __future__ import annotations

from dataclasses import replace

from ceas_ray.config.policies import instantiate
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import unusable
from ceas_ray.entanglement.demand import Demand
from ceas_ray.entanglement.feasibility import link_classes, refuse_policy, refuse_unservable, shortest_shots
from ceas_ray.entanglement.hub import Hub
from ceas_ray.entanglement.key_ledger import KeyLedger
from ceas_ray.entanglement.key_paths import KeyPaths
from ceas_ray.entanglement.pair_ledger import PairLedger
from ceas_ray.entanglement.planner import Planner
from ceas_ray.entanglement.round_controller import RoundController, RoundTiming
from ceas_ray.kernel.policy_calls import PolicyError
from ceas_ray.kernel.time import picoseconds
from ceas_ray.messages.quorum import Quorums
from ceas_ray.messages.round_progress import OnStall, RoundProgress
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.scheduling.checked_scheduler import CheckedScheduler
from ceas_ray.scheduling.scheduler import Scheduler
from ceas_ray.world.blueprint import Blueprint, shots_spend_pairs
from ceas_ray.world.checks import check_shots
from ceas_ray.world.counts import counts_of
from ceas_ray.world.inputs import RunInputs
from ceas_ray.world.model import asked_circuits_of
from ceas_ray.world.times import asking_time, control_delay, update_time


def demand_of(settings: RunSettings, network: NetworkPlan) -> Demand:
    """Return what a round asks of every link, and by when."""
    choice, counts = settings.entanglement, counts_of(settings)
    pairs = network.groups[0].pairs_per_shot if network.groups else settings.training.qubits
    demand = Demand(
        shots=settings.training.circuits_per_round, pairs_per_shot=pairs,
        burst_shots=choice.burst_shots, gap_periods=choice.gap_periods, supply=choice.supply,
        deadline_periods=choice.deadline_periods, useful_age_periods=choice.useful_age_periods,
        min_fidelity=choice.min_fidelity, slots=choice.slots, hub_channels=choice.hub_channels,
        multiplexing=choice.multiplexing, test_share=choice.test_share,
        warm_up_test_shots=-(-choice.warm_up_tests // pairs),
        key_useful_age=picoseconds(choice.key_useful_age_milliseconds * 1e-3), key_margin=choice.key_margin,
        fresh_hash_keys=settings.consensus.hash_keys == "fresh", node_slots=choice.node_slots,
        finite_keys=settings.consensus.key_rate == "finite", is_rotation=choice.demand == "rotation",
        stations=choice.stations,
    )  # fmt: skip
    # Requests are answered in the first half of a plan, of which the last round's is for shots alone.
    asks_in_time = shots_spend_pairs(settings, counts) and (
        shortest_shots(network, demand) >= 2 * asking_time(settings, Quorums(counts.replicas))
    )
    return replace(demand, all_reply=not asks_in_time)


def scheduler_of(settings: RunSettings, inputs: RunInputs) -> CheckedScheduler:
    """Return the scheduler that settings name, checked in all that it returns."""
    return CheckedScheduler(instantiate(settings.scheduling, "scheduling", Scheduler, inputs.read))


def check_demand(
    settings: RunSettings, network: NetworkPlan, demand: Demand, scheduler: CheckedScheduler
) -> None:  # fmt: skip
    """Raise SettingsError for a demand of rounds that network or scheduler cannot serve; no plan is made for it."""
    try:
        check_shots(settings, network, demand)
        refuse_unservable(network, demand, KeyPaths(network, demand))
        for link in link_classes(network, demand):
            policy = scheduler.checked(link)
            if policy is not None:
                refuse_policy(policy, network)
    except ValueError as error:
        raise unusable("entanglement", str(error)) from None
    except PolicyError as error:
        if error.refusal is None:
            raise
        raise unusable("scheduling", error.refusal) from None


def round_controller_of(blueprint: Blueprint, demand: Demand, scheduler: CheckedScheduler) -> RoundController:
    """Return the entanglement manager, which runs the rounds."""
    settings, counts, network = blueprint.settings, blueprint.counts, blueprint.network
    rounds, paths = settings.training.rounds, KeyPaths(network, demand)
    on_stall = OnStall(settings.consensus.on_stall, settings.consensus.max_waits)
    return RoundController(
        Planner(
            network,
            paths,
            demand=demand,
            scheduler=scheduler,
            train_on_pairs=blueprint.spends_pairs,
            streams=blueprint.streams,
        ),
        paths,
        keys=KeyLedger(demand, blueprint.places, counts.replicas, rounds),
        pairs=PairLedger(network, paths, demand.pairs_per_shot, demand.finite_keys),
        progress=RoundProgress(Quorums(counts.replicas), counts.parties, on_stall),
        timing=_timing_of(settings),
        rounds=rounds,
        adversary=bool(blueprint.byzantine),
    )


def _timing_of(settings: RunSettings) -> RoundTiming:
    timeout = settings.consensus.input_timeout
    return RoundTiming(
        control_delay=control_delay(settings),
        planning_time=picoseconds(settings.entanglement.planning_milliseconds * 1e-3),
        update_time=update_time(settings),
        input_timeout=None if timeout is None else picoseconds(timeout),
        patience=picoseconds(settings.consensus.patience_milliseconds * 1e-3),
    )


def hub_of(blueprint: Blueprint) -> Hub:
    """Return the hub, which tests pairs and asks what it knows."""
    settings, counts = blueprint.settings, blueprint.counts
    return Hub(
        counts.parties,
        counts.replicas,
        half_life_rounds=settings.entanglement.half_life_rounds,
        delay=control_delay(settings),
        asked=asked_circuits_of(settings.training),
    )
