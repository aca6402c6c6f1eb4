"""The cost of a run, in closed form from settings and network: no plan is made, nothing solved or built. Ours.

Wall times are those of one core that does nothing else, by constants that were measured on a core with AVX-512 of 2.5
to 3 GHz; they hold within a factor of two there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import unusable
from ceas_ray.entanglement.key_ledger import RESERVED_VIEWS
from ceas_ray.entanglement.plan import (
    REPLICA_FRAMES,
    VIEW_CHANGE_FRAMES,
    key_path_seconds,
    route_key_seconds,
)
from ceas_ray.kernel.time import PICOSECONDS_PER_SECOND, seconds
from ceas_ray.network.link_parameters import LinkParameters
from ceas_ray.network.route import path_fidelity
from ceas_ray.quantum.bell_pairs import key_rate
from ceas_ray.quantum.mixed_pairs import max_nodes
from ceas_ray.world.counts import counts_of
from ceas_ray.world.run_size import memory_bytes
from ceas_ray.world.world import Outline

LONGEST_SIMULATED_SECONDS = 4e6
"""Simulated time counts picoseconds in 64 bits, which end after 9.2e6 s."""
_SAMPLED_PATHS = 60
"""Key paths whose times stand for all others."""
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
    """The cost of a run: pairs and key bits of a round, simulated and wall seconds, memory in bytes."""

    pairs: float
    key_bits: float
    warm_up_seconds: float
    round_seconds: float
    simulated_seconds: float
    wall_seconds: float
    memory_bytes: float


@dataclass(frozen=True)
class _Keys:
    """Key distillation on the sampled paths: seconds of the slowest, of one between replicas, and pairs a bit over all
    legs."""

    slowest_seconds: float
    slowest_between: float
    pairs_per_bit: float


def forecast(settings: RunSettings, world: Outline) -> Forecast:
    """The cost of a run. Raises SettingsError if its pairs yield no key, or if it would outlast simulated time."""
    demand, rounds = world.demand, settings.training.rounds
    try:
        of_round, of_warm_up = _keys(settings, world, 1), _keys(settings, world, 2)
    except ValueError as error:
        raise unusable("entanglement", str(error)) from None
    shots = demand.shots + demand.test_shots if world.spends_pairs else 0
    warm_up_shots = demand.warm_up_test_shots if world.spends_pairs else 0
    round_seconds = _plan_seconds(settings, world, shots, of_round)
    warm_up = _plan_seconds(settings, world, warm_up_shots, of_warm_up)
    bits, key_pairs = _key_bits(settings, world, of_round)
    shot_pairs = sum(shots * _link_pairs(world, k) for group in world.phases for k in group)
    simulated = warm_up + rounds * round_seconds
    if simulated > LONGEST_SIMULATED_SECONDS:
        limit = f"at most {LONGEST_SIMULATED_SECONDS:g} simulated seconds"
        must = f"such that a run takes {limit} (here about {simulated:.2g})"
        raise SettingsError("training.rounds", must, rounds)
    wall = _START_SECONDS + (rounds + 1) * _wall_of_round(settings, world, shots, key_pairs)
    return Forecast(
        pairs=shot_pairs + key_pairs, key_bits=bits, warm_up_seconds=warm_up, round_seconds=round_seconds,
        simulated_seconds=simulated, wall_seconds=wall, memory_bytes=memory_bytes(settings),
    )  # fmt: skip


def _legs(world: Outline, k: int, j: int) -> tuple[LinkParameters, ...]:
    network = world.network
    if network.swapped:
        return (*reversed(network.processor_routes[k].legs), *network.replica_routes[j].legs)
    return (network.direct_links[network.processor_routes[k].nodes[-1], f"replica/{j}"],)


def _legs_between(world: Outline, i: int, j: int) -> tuple[LinkParameters, ...]:
    """Return the legs of the path between replicas i < j."""
    network = world.network
    if network.swapped:
        return (*reversed(network.replica_routes[i].legs), *network.replica_routes[j].legs)
    return (network.direct_links[f"replica/{i}", f"replica/{j}"],)


def _bits(world: Outline, reserve: int) -> tuple[float, float]:
    """Wanted by a path between a processor and a replica, and between two replicas; reserve: 2 in the warm-up."""
    mine, between = world.demand.bits(1), world.demand.bits(REPLICA_FRAMES)
    change = world.demand.bits(VIEW_CHANGE_FRAMES)
    return 2.0 * reserve * mine, 2.0 * (reserve * between + (RESERVED_VIEWS * change if reserve > 1 else 0))


def _keys(settings: RunSettings, world: Outline, reserve: int) -> _Keys:
    network, demand = world.network, world.demand
    order = [k for group in world.phases for k in group]
    step = max(1, len(order) // _SAMPLED_PATHS)
    replicas, routed = len(network.replica_routes), network.routed
    swapping, mine = network.processor_routes[0].swapping, _bits(world, reserve)[0]

    def time_of(legs: tuple[LinkParameters, ...], bits: float) -> float:
        if routed:
            return route_key_seconds(legs, swapping, bits, demand)
        return key_path_seconds(legs, settings.links.swap_werner, bits, demand)

    slowest, per_bit = 0.0, []
    for number, k in enumerate(order[::step]):
        legs = _legs(world, k, number % replicas)
        slowest = max(slowest, time_of(legs, mine))
        per_bit.append(len(legs) / max(1e-9, float(key_rate(path_fidelity(legs, swapping)))))
    pairs = [(i, j) for j in range(replicas) for i in range(j)]
    pairs = pairs[:: max(1, len(pairs) // _SAMPLED_PATHS)]
    between = max(time_of(_legs_between(world, i, j), _bits(world, reserve)[1]) for i, j in pairs)
    return _Keys(slowest, max(slowest, between), sum(per_bit) / len(per_bit))


def _plan_seconds(settings: RunSettings, world: Outline, shots: int, keys: _Keys) -> float:
    """Simulated: phase by phase, the shots of its slowest link, then the key slots."""
    total = 0.0
    for number, (members, slots) in enumerate(zip(world.phases, world.key_slots, strict=True)):
        longest = keys.slowest_between if number == 0 and not world.network.routed else keys.slowest_seconds
        total += max(_served_seconds(world, k, shots, len(members)) for k in members) + slots * longest
    return total


def _served_seconds(world: Outline, k: int, shots: int, members: int) -> float:
    """Until the last of the shots: bursts, and exponential gaps, the longest sum of those of `members` links."""
    demand = world.demand
    if shots == 0:
        return 0.0
    bursts = math.ceil(shots / demand.burst_shots)
    gaps = bursts + math.sqrt(2 * bursts * math.log(members + 1))
    period = demand.shot_period(world.network.served(k)) / PICOSECONDS_PER_SECOND
    return period * (shots + demand.gap_periods * gaps) + seconds(demand.shot_deadline(world.network.served(k)))


def _key_bits(settings: RunSettings, world: Outline, keys: _Keys) -> tuple[float, float]:
    replicas = len(world.network.replica_routes)
    mine, between = _bits(world, 1)
    bits = len(world.network.processor_routes) * replicas * mine + replicas * (replicas - 1) / 2 * between
    raw = 2**settings.entanglement.purification_rounds
    return bits, bits * keys.pairs_per_bit * raw


def _link_pairs(world: Outline, k: int) -> int:
    if world.network.groups:
        return sum(part.pairs * len(part.route.legs) for part in world.network.groups[k].routes)
    return world.demand.pairs_per_shot * len(world.network.processor_routes[k].legs)


def _wall_of_round(settings: RunSettings, world: Outline, shots: int, key_pairs: float) -> float:
    network, circuit = world.network, world.circuit
    a_shot = _SECONDS_PER_SHOT * world.demand.pairs_per_shot / 4
    if network.routed:
        a_shot = _SECONDS_PER_ROUTED_SHOT * len(network.processor_routes[0].legs)
    if network.groups:
        a_shot = _SECONDS_PER_SHARED_SHOT
    batch = min(settings.training.batch, world.samples)
    nodes = max_nodes([part.pairs for part in network.groups[0].routes]) if network.groups else 1
    entries = 4.0**circuit.qubits * circuit.layers * circuit.qubits * circuit.outputs * nodes
    gradients = len(network.processor_routes) * batch * entries * _SECONDS_PER_ENTRY
    if settings.processors.engine != "pauli":
        gradients *= 1000
    paths = counts_of(settings).key_paths * _SECONDS_PER_PATH
    all_shots = len(network.processor_routes) * shots * a_shot
    return _ROUND_SECONDS + all_shots + paths + key_pairs * _SECONDS_PER_KEY_PAIR + gradients
