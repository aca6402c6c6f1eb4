"""The committee of a blueprint: its replicas, who of them is faulty and how, and the faults of its network."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from ceas_ray.aggregation.aggregator import Aggregator
from ceas_ray.config.schema import RunSettings
from ceas_ray.consensus.committee import Committee
from ceas_ray.consensus.faults.crashing_replica import Crash, CrashingReplica
from ceas_ray.consensus.faults.distorting_replica import DistortingReplica
from ceas_ray.consensus.faults.equivocating_replica import EquivocatingReplica
from ceas_ray.consensus.faults.forging_replica import ForgingReplica
from ceas_ray.consensus.faults.lying_replica import LyingReplica
from ceas_ray.consensus.faults.poisoning_replica import PoisoningReplica
from ceas_ray.consensus.faults.replaying_replica import ReplayingReplica
from ceas_ray.consensus.faults.silent_replica import SilentReplica
from ceas_ray.consensus.faults.slow_replica import SlowReplica
from ceas_ray.consensus.faults.withholding_replica import WithholdingReplica
from ceas_ray.consensus.replica import Replica
from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.streams import Streams
from ceas_ray.kernel.time import picoseconds
from ceas_ray.messages.payloads import ENTANGLEMENT_MANAGER, processor_name, replica_name
from ceas_ray.training.next_state import NextState
from ceas_ray.world.blueprint import Blueprint
from ceas_ray.world.classical_network import on_network
from ceas_ray.world.model import asked_circuits_of, learning_rate_of
from ceas_ray.world.observed_aggregation import ObservedReplica, SharedNextState
from ceas_ray.world.times import message_bound

_FAULTS: dict[str, type[DistortingReplica]] = {
    "slow": SlowReplica,
    "equivocating": EquivocatingReplica,
    "lying": LyingReplica,
    "poisoned_proposal": PoisoningReplica,
    "withheld_votes": WithholdingReplica,
    "forged_tags": ForgingReplica,
    "replayed_tags": ReplayingReplica,
}


def replicas_of(blueprint: Blueprint) -> tuple[Actor, ...]:
    """Return the members of the committee, honest and Byzantine, behind the faults of their network."""
    settings, counts = blueprint.settings, blueprint.counts
    size = counts.replicas
    committee = Committee(
        size,
        counts.parties,
        counts.tolerated_rows,
        message_bound(settings),
        all_reply=blueprint.all_reply,
        places=blueprint.places,
    )
    together = settings.consensus.committee == "processors"
    byzantine = list(blueprint.byzantine) if together else list(range(size))[size - counts.byzantine_replicas :]
    next_state = SharedNextState(_next_state_of(blueprint))
    made: list[Actor] = []
    for j in range(size):
        make = partial(_replica, blueprint, j, committee, next_state)
        replica: Actor
        if j in byzantine:
            replica = _faulty_replica(settings, byzantine.index(j), make(), blueprint.streams)
        else:
            replica = ObservedReplica(_crashing_replica(settings, j, make) or make(), next_state)
        made.append(on_network(settings, replica, blueprint.streams))
    return tuple(made)


def _replica(blueprint: Blueprint, j: int, committee: Committee, next_state: SharedNextState) -> Replica:
    network, name = blueprint.network, replica_name(j)
    leg = network.replica_routes[j]
    latencies = {processor_name(k): link.latency + leg.latency for k, link in enumerate(network.processor_routes)}
    latencies |= {
        replica_name(i): other.latency + leg.latency for i, other in enumerate(network.replica_routes) if i != j
    }
    channels = [blueprint.channel(name, peer) for peer in latencies]
    latencies[ENTANGLEMENT_MANAGER] = leg.latency
    start = (blueprint.initial_parameters, 0)
    rule = blueprint.policies.identity
    return Replica(
        j,
        committee,
        channels=channels,
        latencies=latencies,
        next_state=next_state,
        initial_state=start,
        chain=blueprint.chain,
        rule=rule,
    )


def _next_state_of(blueprint: Blueprint) -> NextState:
    """Return the function that every replica recomputes: from the agreed rows to weights, aggregate and model."""
    settings, counts, policies = blueprint.settings, blueprint.counts, blueprint.policies
    data_circuits = settings.training.circuits_per_round - asked_circuits_of(settings.training)
    return NextState(
        aggregator=Aggregator(policies.rule, policies.weights, settings.aggregation.cap),
        learning_rate=learning_rate_of(settings.training),
        circuit=blueprint.shared_circuit,
        faults=counts.tolerated_rows,
        shots=np.full(counts.parties, float(data_circuits)),
        samples=np.array([float(len(shard.angles)) for shard in blueprint.shards]),
        public_angles=blueprint.public_angles,
        confidence=settings.aggregation.confidence,
    )


def _faulty_replica(settings: RunSettings, number: int, replica: Replica, streams: Streams) -> Actor:
    """Return the `number`-th Byzantine member: its fault is the next in turn."""
    faults = settings.attacks.replica_faults
    fault = faults[number % len(faults)]
    return SilentReplica(replica) if fault == "silent" else _FAULTS[fault](replica, streams)


def _crashing_replica(settings: RunSettings, index: int, make: Callable[[], Replica]) -> Actor | None:
    """Return an honest member that crashes, if it is to."""
    crash = settings.consensus.crash
    if crash is None or index not in crash.replicas:
        return None
    after, down = (picoseconds(ms * 1e-3) for ms in (crash.after_milliseconds, crash.down_milliseconds))
    return CrashingReplica(make, Crash(crash.round, after, down))
