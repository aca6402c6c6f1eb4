"""The circuit as the processors of a group share it, which settings choose how."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from ceas_ray.config.errors import SettingsError, UnusableSettings, blame_on
from ceas_ray.config.schema import ProcessorSettings, RunSettings, TrainingSettings
from ceas_ray.distribution.distribution import Distributor
from ceas_ray.distribution.fewest_gates_distributor import FewestGatesDistributor
from ceas_ray.distribution.packed_distributor import PackedDistributor
from ceas_ray.distribution.shared_gates import shared_by_qubits
from ceas_ray.distribution.static_distributor import StaticDistributor
from ceas_ray.entanglement.demand import Demand
from ceas_ray.kernel.time import seconds
from ceas_ray.network.group import ProcessorGroup
from ceas_ray.network.memories import Relaxing, kept_by
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.quantum.circuit_values import VariationalCircuit
from ceas_ray.quantum.gate_circuit import GateCircuit
from ceas_ray.quantum.gate_layers import shared_by_layers
from ceas_ray.quantum.pair_physics import Rates
from ceas_ray.quantum.partition import member_of_layer, pair_ends, partition_by_layers, partition_by_qubits
from ceas_ray.quantum.shot_clock import GateSeconds, ShotTimes, shot_times

DISTRIBUTORS: dict[str, Distributor] = {
    "fewest_gates": FewestGatesDistributor(),
    "static": StaticDistributor(),
    "packed": PackedDistributor(),
}


def shared_circuit_of(
    training: TrainingSettings,
    circuit: VariationalCircuit,
    group_size: int,
    distances: Callable[[int], NDArray[np.int64]],
    *,
    lose: bool = False,
) -> VariationalCircuit:
    """Return the circuit as a group of processors runs it; the same where each runs it alone.

    distances: the links of a pair between any two members of a group of this size, (members, members). lose: whether
    data qubits lose while they wait. Raises SettingsError for more processors than can share it.
    """
    own = isinstance(circuit, GateCircuit)
    if training.distributor != "fewest_gates" and not (own and training.partition == "circuit"):
        must = "fewest_gates without training.circuit and training.partition=circuit"
        raise SettingsError("training.distributor", must, training.distributor)
    if training.partition == "data":
        return circuit
    return blame_on(
        "training.processors_per_group", lambda: _shared(training, circuit, group_size, distances, lose=lose)
    )


def _shared(
    training: TrainingSettings,
    circuit: VariationalCircuit,
    members: int,
    distances: Callable[[int], NDArray[np.int64]],
    *,
    lose: bool,
) -> VariationalCircuit:
    by_qubits = training.partition == "circuit"
    if isinstance(circuit, GateCircuit):
        if by_qubits:
            links = np.maximum(distances(members), 1)  # two members at one node are refused with their routes
            unit = np.gcd.reduce(links[~np.eye(members, dtype=bool)]) if members > 1 else 1
            distributor = DISTRIBUTORS[training.distributor]
            return shared_by_qubits(circuit, members, distributor, links // unit, qubits_lose=lose)
        return shared_by_layers(circuit, members, qubits_lose=lose)
    partition = partition_by_qubits if by_qubits else partition_by_layers
    return partition(circuit, members, training.inputs == "teleported")


def data_qubits_lose(processors: ProcessorSettings) -> bool:
    """Decide whether data qubits of a shared circuit lose while they wait."""
    return processors.idle_qubits == "memory" or processors.t1_microseconds is not None


def ends_of_pairs(circuit: VariationalCircuit) -> tuple[tuple[int, int], ...]:
    """Return between whom each pair of a shot is shared, by place: (from, to) by member of a group, or HUB."""
    if isinstance(circuit, GateCircuit):
        assert circuit.sharing is not None, "a group shares its circuit"
        return circuit.sharing.ends
    return pair_ends(circuit)


def noise_of_group(circuit: VariationalCircuit, members: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the noise of a shared circuit from that of each processor, (members, n, 7).

    Shape (n, 7) where members hold qubits, (layers, n, 7) where they run layers, (sections, n, 7) of a circuit of the
    user's own.
    """
    if isinstance(circuit, GateCircuit):
        assert circuit.sharing is not None, "a group shares its circuit"
        return np.stack([members[list(holder), np.arange(circuit.qubits)] for holder in circuit.sharing.holders])
    if circuit.parts:
        return members[list(circuit.parts), np.arange(circuit.qubits)]
    return members[list(member_of_layer(circuit))]


def times_of_shots(processors: ProcessorSettings, circuit: VariationalCircuit, group: ProcessorGroup) -> ShotTimes:
    """Return when a group spends the pairs of a shot of a shared circuit of the user's own."""
    assert isinstance(circuit, GateCircuit) and circuit.sharing is not None, "a group shares its circuit"
    gates = (processors.one_qubit_gate_nanoseconds, processors.two_qubit_gate_nanoseconds)
    return shot_times(
        circuit.sharing.events,
        places=circuit.pairs_within,
        waits=len(circuit.sharing.waits),
        latency=lambda a, b: seconds(group.latencies[a][b]),
        gates=GateSeconds(*(length * 1e-9 for length in gates)),
        qubit_waits=len(circuit.sharing.qubit_waits),
    )


def kept_by_memories(
    processors: ProcessorSettings, circuit: VariationalCircuit, group: ProcessorGroup
) -> NDArray[np.float64]:
    """Return what memories keep of a group's pairs, copies and data qubits while a shot runs, (columns,).

    Werner parameters of each pair until it is spent, in two memories, and of its copy until that is used; then of each
    later wait of a copy; then, of each wait of a data qubit, what is left of X and Y, of Z, and of the share that does
    not fall to |0>. Empty for the ansaetze of this package, whose shots take no time.
    """
    if not isinstance(circuit, GateCircuit):
        return np.zeros(0)
    times, sharing = times_of_shots(processors, circuit, group), circuit.sharing
    assert sharing is not None, "a group shares its circuit"
    near, far, at_member = {}, {}, dict[int, Rates]()
    for part in group.routes:
        begin, end = part.route.legs[0].decay.start, part.route.legs[-1].decay.end
        of_route = {min(sharing.ends[part.places[0]]): begin, max(sharing.ends[part.places[0]]): end}
        at_member |= {member: rates for member, rates in of_route.items() if member not in at_member}
        for place in part.places:
            first, second = sharing.ends[place]
            near[place], far[place] = (begin, end) if first < second else (end, begin)
    of_pairs = [
        kept_by(near[place], spent) * kept_by(far[place], spent) * kept_by(far[place], used)
        for place, (spent, used) in enumerate(zip(times.until_spent, times.until_used, strict=True))
    ]
    of_waits = [kept_by(far[place], wait) for place, wait in zip(sharing.waits, times.waits, strict=True)]
    of_qubits = list[float]()
    for member, wait in zip(sharing.qubit_waits, times.qubit_waits, strict=True):
        rates = _rates_of_qubits(processors, at_member, member)
        of_qubits += [math.exp(-rate * wait) for rate in (rates.x, rates.z, rates.damping)]
    return np.array(of_pairs + of_waits + of_qubits)


def _rates_of_qubits(processors: ProcessorSettings, memories: Mapping[int, Rates], member: int) -> Rates:
    """Return the rates at which data qubits of a member decay. memories: those of the links, by member."""
    if processors.idle_qubits == "memory" or processors.t1_microseconds is None or processors.t2_microseconds is None:
        return memories.get(member, next(iter(memories.values())))  # one that shares no pair: as another's
    return Relaxing(processors.t1_microseconds * 1e-6, processors.t2_microseconds * 1e-6).rates


def check_shot_lengths(
    settings: RunSettings, circuit: VariationalCircuit, network: NetworkPlan, demand: Demand
) -> None:
    """Raise SettingsError if a shot of a group's own circuit takes longer than its shot period: the next one begins
    then.
    """
    if not isinstance(circuit, GateCircuit):
        return
    for k, group in enumerate(network.groups):
        length = times_of_shots(settings.processors, circuit, group).length
        period = seconds(demand.shot_period(network.served(k)))
        if length > period:
            raise UnusableSettings(
                "training.circuit", f"a shot must end within its shot period, {1e3 * period:.3g} ms for group {k}, "
                f"this one takes {1e3 * length:.3g} ms (outcomes travel between processors, gates take their time); "
                "a greater entanglement.supply or fewer training.processors_per_group leave more time",
            )  # fmt: skip
