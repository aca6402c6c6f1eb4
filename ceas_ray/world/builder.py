"""Builds the world of a run: from settings to simulated actors, each constructor getting named values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from ceas_ray.attacks.placement import place_colluders
from ceas_ray.config.errors import UnusableSettings
from ceas_ray.config.schema import RunSettings
from ceas_ray.entanglement.demand import Demand
from ceas_ray.entanglement.leases import estimated_phases, places_of, plan_phases
from ceas_ray.kernel.policy_calls import PolicyError
from ceas_ray.kernel.streams import Streams
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.processors.processor import Shard
from ceas_ray.quantum.circuit_values import VariationalCircuit
from ceas_ray.quantum.gate_circuit import GateCircuit
from ceas_ray.quantum.mixed_pairs import max_nodes
from ceas_ray.training.datasets import DataSet
from ceas_ray.world.backdoor import backdoor_test, poisoned
from ceas_ray.world.blueprint import Blueprint, Policies, policies_of
from ceas_ray.world.checks import check_circuits, check_data, check_settings
from ceas_ray.world.committee import replicas_of
from ceas_ray.world.control import check_demand, demand_of, hub_of, round_controller_of, scheduler_of
from ceas_ray.world.counts import Counts, counts_of
from ceas_ray.world.data import dealt_shards, load_data
from ceas_ray.world.inputs import RunInputs, targets_of
from ceas_ray.world.links import link_managers_of
from ceas_ray.world.model import (
    circuit_of,
    evaluation_on_test,
    evaluation_on_validation,
    gradient_work,
    initial_parameters_of,
    loss_of,
    public_angles_of,
)
from ceas_ray.world.network import network_of, network_of_groups
from ceas_ray.world.own_circuit import own_circuit_of, with_observables, with_qubits
from ceas_ray.world.processor_noise import processor_noise
from ceas_ray.world.processors import adversary_of, processors_of
from ceas_ray.world.round_demand import ServedPhase, round_demand
from ceas_ray.world.shared_circuit import check_shot_lengths, data_qubits_lose, shared_circuit_of
from ceas_ray.world.world import Outline, World

_MAX_PLANNED_PATHS = 1000
"""Of an outline whose phases are planned as a run plans them."""


def build_world(settings: RunSettings) -> World:
    """Return the world of these settings; SettingsError for whatever cannot be."""
    outline = _outlined(settings, in_little_time=False)
    blueprint, training = outline.blueprint, settings.training
    with _policies_blamed():
        manager = round_controller_of(blueprint, outline.demand, outline.scheduler)
        adversary = [adversary_of(blueprint)] if blueprint.byzantine else []
        groups = blueprint.network.groups
        return World(
            processors=processors_of(blueprint),
            links=link_managers_of(blueprint),
            replicas=replicas_of(blueprint),
            control=(manager, hub_of(blueprint), *adversary),
            work=gradient_work(blueprint),
            manager=manager,
            data=outline.data,
            shards=blueprint.shards,
            circuit=blueprint.circuit,
            shared_circuit=blueprint.shared_circuit,
            evaluation=evaluation_on_test(training, blueprint.circuit, outline.data),
            validation=evaluation_on_validation(training, blueprint.circuit, outline.data),
            backdoor=backdoor_test(
                blueprint.policies.attack, training=training, circuit=blueprint.circuit, data=outline.data
            ),
            public_angles=blueprint.public_angles,
            initial_parameters=blueprint.initial_parameters,
            byzantine=blueprint.byzantine,
            processors_per_group=blueprint.counts.group_size,
            max_evaluations=max_nodes([part.pairs for part in groups[0].routes]) if groups else 1,
            inputs=outline.inputs,
            outline=outline,
        )


def outline_world(settings: RunSettings) -> Outline:
    """Return the outline of the world of these settings, in little time: no actors, no plan, no chain solved.

    Raises SettingsError for all that `build_world` refuses, in the same words.
    """
    return _outlined(settings, in_little_time=True)


def _outlined(settings: RunSettings, in_little_time: bool) -> Outline:
    inputs = RunInputs(settings.inputs)
    own = own_circuit_of(settings, inputs)
    settings = with_qubits(settings, own)
    check_settings(settings)
    with _policies_blamed():
        policies, scheduler = policies_of(settings, inputs), scheduler_of(settings, inputs)
        data = load_data(
            settings.training.data,
            settings.training.qubits if own is None else own.inputs,
            seed=settings.seed,
            inputs=inputs,
            outline=in_little_time,
            key="training.qubits" if own is None else "training.circuit",
        )
        loss, few = loss_of(settings.training, inputs.read), data.train_targets[:2]
        loss(np.zeros_like(few), few), loss.slope(np.zeros_like(few), few)  # one of the user's own may be wrong
        blueprint = _blueprint(settings, policies, data, inputs=inputs, own=own)
        network = blueprint.network
        largest_shard = max(len(shard.angles) for shard in blueprint.shards)
        check_circuits(settings, blueprint.shared_circuit, largest_shard, policies=policies, noise=blueprint.noise)
        demand = demand_of(settings, network)
        check_demand(settings, network, demand, scheduler)
        check_shot_lengths(settings, blueprint.shared_circuit, network, demand)
        inputs.read_code(targets_of(settings.model_dump()))
        return Outline(
            blueprint=replace(blueprint, places=places_of(network, demand), all_reply=demand.all_reply),
            data=data,
            demand=demand,
            scheduler=scheduler,
            of_round=round_demand(
                settings,
                network,
                demand=demand,
                scheduler=scheduler.scheduler,
                phases=_phases(network, demand, blueprint.counts),
                spends_pairs=blueprint.spends_pairs,
            ),
            inputs=inputs,
        )


@contextmanager
def _policies_blamed() -> Iterator[None]:
    """Turn the PolicyError of a policy that fails into a SettingsError that names it."""
    try:
        yield
    except PolicyError as error:
        raise UnusableSettings(error.policy, str(error)) from error


def _blueprint(
    settings: RunSettings, policies: Policies, data: DataSet, *, inputs: RunInputs, own: GateCircuit | None
) -> Blueprint:
    """Draw and check all that actors have in common."""
    counts, streams, training = counts_of(settings), Streams(settings.seed), settings.training
    circuit = _circuit(settings, data, own)
    links = streams.generator("network", "network", "links", 0)
    whole = network_of(settings, counts, generator=links, inputs=inputs)
    shared = shared_circuit_of(
        training, circuit, counts.group_size, whole.member_distances, lose=data_qubits_lose(settings.processors)
    )
    network = network_of_groups(settings, whole, counts.group_size, shared)
    served = [network.served(k) for k in range(counts.parties)]
    quality = np.array([link.fidelity * 1e6 + link.rate for link in served])
    placement = streams.generator("adversary", "adversary", "placement", 0)
    byzantine = place_colluders(settings.attacks.placement, counts.byzantine_parties, quality, placement)
    return Blueprint(
        settings=settings,
        counts=counts,
        streams=streams,
        policies=policies,
        noise=processor_noise(settings.processors, training.qubits, streams, inputs),
        circuit=circuit,
        shared_circuit=shared,
        network=network,
        shards=_shards(
            settings, counts, data=data, streams=streams, policies=policies, byzantine=byzantine, inputs=inputs
        ),
        byzantine=byzantine,
        link_quality=quality,
        initial_parameters=initial_parameters_of(circuit, streams),
        public_angles=public_angles_of(training, circuit.inputs, streams),
    )


def _circuit(settings: RunSettings, data: DataSet, own: GateCircuit | None) -> VariationalCircuit:
    """Return the circuit as one processor runs it."""
    if own is not None:
        return with_observables(own, settings.training, data.outputs)
    check_data(settings, data)
    return circuit_of(settings.training, data.outputs)


def _shards(
    settings: RunSettings, counts: Counts, *, data: DataSet, streams: Streams, policies: Policies,
    byzantine: tuple[int, ...], inputs: RunInputs,
) -> tuple[Shard, ...]:  # fmt: skip
    """Deal the training samples to the parties; Byzantine ones learn what the attack makes of their targets."""
    generator = streams.generator("hub", "hub", "shards", 0)
    parts = dealt_shards(settings.training.data, data.train_labels, counts.parties, generator, inputs=inputs)
    shards = [Shard(data.train_angles[part], data.train_targets[part]) for part in parts]
    if policies.attack is not None:
        for k in byzantine:
            shards[k] = poisoned(shards[k], policies.attack, training=settings.training, data=data)
    return tuple(shards)


def _phases(network: NetworkPlan, demand: Demand, counts: Counts) -> tuple[ServedPhase, ...]:
    """Return the phases of a round; of many paths an estimate."""
    if counts.key_paths <= _MAX_PLANNED_PATHS:
        return tuple(map(ServedPhase.planned, plan_phases(network, demand)))
    return tuple(ServedPhase(members, key_slots) for members, key_slots in estimated_phases(network, demand))
