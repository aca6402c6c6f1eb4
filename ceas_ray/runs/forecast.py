"""What a run will cost, in closed form from settings and network: no plan is made, nothing solved or built. Ours.

Wall times are those of one core that does nothing else, by constants that were measured on a core with AVX-512 of 2.5
to 3 GHz; they hold within a factor of two there.
"""

from __future__ import annotations

from dataclasses import dataclass

from ceas_ray.config.schema import RunSettings
from ceas_ray.quantum.mixed_pairs import most_nodes
from ceas_ray.world.counts import counts_of
from ceas_ray.world.run_size import memory_bytes
from ceas_ray.world.world import Outline

_START_SECONDS = 6.0
_ROUND_SECONDS = 0.02
_SECONDS_PER_SHOT = 2.2e-6
_SECONDS_PER_ROUTED_SHOT = 2.5e-5
_SECONDS_PER_SHARED_SHOT = 4e-5
_SECONDS_PER_PATH = 4.5e-4
_SECONDS_PER_KEY_PAIR = 6e-8
_SECONDS_PER_ENTRY = 3e-9
"""Of one of the 4^n entries of a density matrix, a qubit and layer of the gradient."""


@dataclass(frozen=True)
class Forecast:
    """Of a run: pairs and key bits of a round, simulated and wall seconds, memory in bytes."""

    pairs: float
    key_bits: float
    warm_up_seconds: float
    round_seconds: float
    simulated_seconds: float
    wall_seconds: float
    memory_bytes: float


def forecast(settings: RunSettings, world: Outline) -> Forecast:
    """Return the cost of a run."""
    of_round, rounds = world.of_round, settings.training.rounds
    wall = _START_SECONDS + (rounds + 1) * _wall_of_round(settings, world, of_round.shots, of_round.key_pairs)
    return Forecast(
        pairs=of_round.shot_pairs + of_round.key_pairs,
        key_bits=of_round.key_bits,
        warm_up_seconds=of_round.warm_up_seconds,
        round_seconds=of_round.seconds,
        simulated_seconds=of_round.warm_up_seconds + rounds * of_round.seconds,
        wall_seconds=wall,
        memory_bytes=memory_bytes(settings),
    )


def _wall_of_round(settings: RunSettings, world: Outline, shots: int, key_pairs: float) -> float:
    network, circuit = world.blueprint.network, world.blueprint.circuit
    a_shot = _SECONDS_PER_SHOT * world.demand.pairs_per_shot / 4
    if network.routed:
        a_shot = _SECONDS_PER_ROUTED_SHOT * len(network.processor_routes[0].legs)
    if network.groups:
        a_shot = _SECONDS_PER_SHARED_SHOT
    batch = min(settings.training.batch, len(world.data.train_labels) / len(network.processor_routes))
    nodes = most_nodes([part.pairs for part in network.groups[0].routes]) if network.groups else 1
    entries = 4.0**circuit.qubits * circuit.layers * circuit.qubits * circuit.outputs * nodes
    gradients = len(network.processor_routes) * batch * entries * _SECONDS_PER_ENTRY
    if settings.processors.engine != "pauli":
        gradients *= 1000
    paths = counts_of(settings).key_paths * _SECONDS_PER_PATH
    all_shots = len(network.processor_routes) * shots * a_shot
    return _ROUND_SECONDS + all_shots + paths + key_pairs * _SECONDS_PER_KEY_PAIR + gradients
