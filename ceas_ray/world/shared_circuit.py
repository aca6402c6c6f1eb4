"""The circuit as the processors of a group share it, which settings choose how."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ceas_ray.config.errors import SettingsError, blame_on
from ceas_ray.config.schema import TrainingSettings
from ceas_ray.distribution.distribution import Distributor
from ceas_ray.distribution.fewest_gates_distributor import FewestGatesDistributor
from ceas_ray.distribution.packed_distributor import PackedDistributor
from ceas_ray.distribution.shared_gates import shared_by_qubits
from ceas_ray.distribution.static_distributor import StaticDistributor
from ceas_ray.quantum.circuit_values import VariationalCircuit
from ceas_ray.quantum.gate_circuit import GateCircuit
from ceas_ray.quantum.gate_layers import shared_by_layers
from ceas_ray.quantum.partition import member_of_layer, pair_ends, partition_by_layers, partition_by_qubits

DISTRIBUTORS: dict[str, Distributor] = {
    "fewest_gates": FewestGatesDistributor(),
    "static": StaticDistributor(),
    "packed": PackedDistributor(keeps=False),
}
"""No copies are kept over gates that flip their qubit while a circuit is trained: the engine has no such copies."""


def shared_circuit_of(
    training: TrainingSettings,
    circuit: VariationalCircuit,
    group_size: int,
    distances: Callable[[int], NDArray[np.int64]],
) -> VariationalCircuit:
    """Return the circuit as a group of processors runs it; the same where each runs it alone.

    distances: the links of a pair between any two members of a group of this size, (members, members). Raises
    SettingsError for more processors than can share it.
    """
    own = isinstance(circuit, GateCircuit)
    if training.distributor != "fewest_gates" and not (own and training.partition == "circuit"):
        must = "fewest_gates without training.circuit and training.partition=circuit"
        raise SettingsError("training.distributor", must, training.distributor)
    if training.partition == "data":
        return circuit
    return blame_on("training.processors_per_group", lambda: _shared(training, circuit, group_size, distances))


def _shared(
    training: TrainingSettings,
    circuit: VariationalCircuit,
    members: int,
    distances: Callable[[int], NDArray[np.int64]],
) -> VariationalCircuit:
    by_qubits = training.partition == "circuit"
    if isinstance(circuit, GateCircuit):
        if by_qubits:
            links = np.maximum(distances(members), 1)  # two members at one node are refused with their routes
            unit = np.gcd.reduce(links[~np.eye(members, dtype=bool)]) if members > 1 else 1
            return shared_by_qubits(circuit, members, DISTRIBUTORS[training.distributor], links // unit)
        return shared_by_layers(circuit, members)
    partition = partition_by_qubits if by_qubits else partition_by_layers
    return partition(circuit, members, training.inputs == "teleported")


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
