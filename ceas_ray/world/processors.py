"""The processors of a blueprint, honest and Byzantine, and the adversary who speaks for the Byzantine ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ceas_ray.aggregation.rule import combined
from ceas_ray.kernel.actor import Actor
from ceas_ray.messages.frames import ModelAdoption
from ceas_ray.messages.payloads import ADVERSARY, HUB, processor_name, replica_name
from ceas_ray.messages.quorum import Quorums
from ceas_ray.processors.adversary import Adversary
from ceas_ray.processors.byzantine_processor import ByzantineProcessor
from ceas_ray.processors.false_announcements import FalseAnnouncements
from ceas_ray.processors.processor import Connections, Learning, Processor
from ceas_ray.world.blueprint import Blueprint
from ceas_ray.world.classical_network import on_network
from ceas_ray.world.model import error_mitigation_of
from ceas_ray.world.shared_circuit import kept_by_memories, noise_of_group
from ceas_ray.world.times import control_delay, message_bound, update_time


def processors_of(blueprint: Blueprint) -> tuple[Actor, ...]:
    """Return the processor (or the leader of the group) of every party."""
    return tuple(_processor(blueprint, k) for k in range(blueprint.counts.parties))


def _processor(blueprint: Blueprint, k: int) -> Actor:
    settings, network, attack = blueprint.settings, blueprint.network, blueprint.policies.attack
    training, link, byzantine = settings.training, network.processor_routes[k], k in blueprint.byzantine
    omniscient = attack is not None and attack.knowledge == "omniscient"
    name = processor_name(k)
    latencies = {
        replica_name(j): link.latency + leg.latency for j, leg in enumerate(network.replica_routes)
    } | {ADVERSARY: link.latency, HUB: link.latency}  # fmt: skip
    made = Processor(
        k,
        blueprint.shards[k],
        noise=_noise_of(blueprint, k),
        learning=Learning(
            batch=training.batch,
            momentum=training.momentum,
            error_mitigation=error_mitigation_of(training),
            update_time=update_time(settings),
            local_circuits=None if blueprint.spends_pairs else training.circuits_per_round,
        ),
        connections=Connections(
            channels=[blueprint.channel(name, replica_name(j)) for j in range(blueprint.counts.replicas)],
            place=blueprint.places[k],
            latencies=latencies,
            delta=message_bound(settings),
            watched=bool(blueprint.byzantine) and not byzantine and omniscient,
            kept_by_memories=_kept_of(blueprint, k),
        ),
        adoption=ModelAdoption(Quorums(blueprint.counts.replicas).blocking),
        initial_parameters=blueprint.initial_parameters,
        streams=blueprint.streams,
    )
    actor: Actor = made
    if byzantine:
        actor = FalseAnnouncements(ByzantineProcessor(made), blueprint.policies.announcer, False, blueprint.streams)
    return on_network(settings, actor, blueprint.streams)


def _noise_of(blueprint: Blueprint, k: int) -> NDArray[np.float64]:
    """Return the noise of party k's circuit: shape (n, 7), or that of a group."""
    m = blueprint.counts.group_size
    members = blueprint.noise[k * m : (k + 1) * m]
    return members[0] if m == 1 else noise_of_group(blueprint.shared_circuit, members)


def _kept_of(blueprint: Blueprint, k: int) -> NDArray[np.float64]:
    """Return what memories keep while a shot of party k runs; empty without pairs inside a circuit."""
    groups = blueprint.network.groups
    if not groups:
        return np.zeros(0)
    return kept_by_memories(blueprint.settings.processors, blueprint.shared_circuit, groups[k])


def adversary_of(blueprint: Blueprint) -> Adversary:
    """Return the actor that answers for all Byzantine parties."""
    counts, routes = blueprint.counts, blueprint.network.processor_routes

    def anticipated(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the aggregate (d,) that rows (n, d) of equal weights would have under the rule in use."""
        equal = np.full(len(rows), 1 / len(rows))
        return combined(blueprint.policies.rule, rows, equal, min(counts.tolerated_rows, (len(rows) - 1) // 2))

    return Adversary(
        blueprint.attack,
        blueprint.settings.attacks.timing,
        colluders=blueprint.byzantine,
        population=counts.parties,
        patience=update_time(blueprint.settings) + 2 * control_delay(blueprint.settings),
        latencies={processor_name(k): routes[k].latency for k in blueprint.byzantine},
        streams=blueprint.streams,
        rule=anticipated,
    )
