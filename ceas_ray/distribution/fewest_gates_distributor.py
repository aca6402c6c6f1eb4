"""The fewest pairs for gates between processors, one copy for each: the partition of `training.partition=circuit`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ceas_ray.distribution.distribution import Distribution, refuse_without_room
from ceas_ray.distribution.packets import packets_of
from ceas_ray.distribution.processor_network import ProcessorNetwork
from ceas_ray.quantum.gate_list import GateList, normal_form
from ceas_ray.quantum.partition import parts_with_fewest_remote_gates

MAX_SEATS = 60
"""Of qubits times processors: beyond, the integer program can take hours."""


@dataclass(frozen=True)
class FewestGatesDistributor:
    """Places qubits such that remote gates take the fewest pairs: an integer program, solved to its optimum.

    Where a pair costs the same between any two processors, that is the fewest remote gates. A gate is done at its
    second qubit, with a copy of the first.
    """

    def __call__(self, circuit: GateList, network: ProcessorNetwork) -> Distribution:
        """See `Distributor`; raises ValueError for large circuits, too."""
        refuse_without_room(circuit.qubits, network)
        if circuit.qubits * len(network.room) > MAX_SEATS:
            raise ValueError(
                f"fewest_gates takes at most {MAX_SEATS} as qubits times processors, got {circuit.qubits} times "
                f"{len(network.room)}; the distributor packed has no such bound"
            )
        packets = packets_of(circuit.qubits, normal_form(circuit.qubits, circuit.gates), shared=False)
        pairs = Counter(tuple(sorted((phase.first, phase.second))) for phase in packets.phases)
        edges = {(a, b): count for (a, b), count in sorted(pairs.items())}
        costs = network.distances[np.ix_(network.processors, network.processors)]
        if len(np.unique(costs[~np.eye(len(costs), dtype=bool)])) <= 1:
            home = parts_with_fewest_remote_gates(
                circuit.qubits, edges, min_qubits=[0] * len(costs), max_qubits=network.room.tolist()
            )
        else:
            home = _parts_at_least_cost(circuit.qubits, edges, costs, network.room)
        homes = np.array(home, dtype=np.int64)[packets.owner]
        return Distribution(packets, network, homes, homes[packets.ends[:, 1]])


def _parts_at_least_cost(
    qubits: int, edges: Mapping[tuple[int, int], int], costs: NDArray[np.float64], room: NDArray[np.int64]
) -> tuple[int, ...]:
    """Return the processor of each qubit, such that edges, each its weight times the cost between its ends, cost least.

    costs (P, P), room (P,). An integer program, solved to its optimum by SciPy's HiGHS: x_qp = 1 if qubit q is at
    processor p, and for every edge e = (a, b) a flow z_epr from p to r that begins as x_ap and ends as x_br (Adams and
    Johnson's linear form of quadratic assignment, 1994); the least sum of weight_e cost_pr z_epr.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp  # here, because most runs distribute no circuit
    from scipy.sparse import lil_array

    members = len(room)
    seats, flows = qubits * members, members * members
    rows = lil_array((qubits + members + 2 * members * len(edges), seats + flows * len(edges)))
    lower, upper = np.zeros(rows.shape[0]), np.zeros(rows.shape[0])
    lower[:qubits] = upper[:qubits] = 1
    upper[qubits : qubits + members] = room
    for q, p in product(range(qubits), range(members)):
        rows[q, q * members + p] = rows[qubits + p, q * members + p] = 1
    for e, (a, b) in enumerate(edges):
        row, flow = qubits + members + 2 * members * e, seats + flows * e
        for p in range(members):
            rows[row + p, a * members + p] = rows[row + members + p, b * members + p] = -1
            rows[row + p, flow + p * members : flow + (p + 1) * members] = 1
            rows[row + members + p, flow + p : flow + flows : members] = 1
    found = milp(
        np.concatenate([np.zeros(seats), *(weight * costs.ravel() for weight in edges.values())]),
        integrality=np.arange(rows.shape[1]) < seats,
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(rows.tocsr(), lower, upper),
    )
    assert found.success, f"a partition exists: {found.message}"
    return tuple(np.argmax(np.reshape(found.x[:seats], (qubits, members)), axis=1).tolist())
