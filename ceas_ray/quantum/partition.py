"""A circuit that several processors share: who holds which qubit or layer, and where its Bell pairs are spent. Ours."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import lil_array

from ceas_ray.quantum.circuit import Circuit

HUB = -1
"""The hub's place in `pair_ends`; members of a group count from 0."""


def partition_by_qubits(circuit: Circuit, members: int, teleported_inputs: bool) -> Circuit:
    """Partition `circuit`: every member holds a part of the qubits; gates between parts spend a pair each.

    teleported_inputs: the hub teleports every encoded qubit to its member. Raises ValueError for more members than
    qubits.
    """
    return replace(circuit, parts=balanced_parts(circuit, members), teleported_before=(0,) if teleported_inputs else ())


def partition_by_layers(circuit: Circuit, members: int, teleported_inputs: bool) -> Circuit:
    """Partition `layer`: every member runs some consecutive layers, then teleports all qubits on to the next member.

    The first members run one layer more if it does not divide. teleported_inputs: the hub teleports the inputs to the
    first member. Raises ValueError for more members than layers.
    """
    if not 1 <= members <= circuit.layers:
        raise ValueError(f"the circuit has {circuit.layers} layers to share, got {members} processors")
    starts = [int(part[0]) for part in np.array_split(np.arange(circuit.layers), members)]
    return replace(circuit, teleported_before=tuple(starts if teleported_inputs else starts[1:]))


def member_of_layer(circuit: Circuit) -> tuple[int, ...]:
    """The number of the member that runs each layer."""
    return tuple(sum(1 for first in circuit.teleported_before if 0 < first <= layer) for layer in range(circuit.layers))


def pair_ends(circuit: Circuit) -> tuple[tuple[int, int], ...]:
    """Between whom each pair of a shot is shared, in the order of `Circuit.places`: (from, to) by member, or HUB."""
    runs, ends = member_of_layer(circuit), []
    for layer, qubit, gate in circuit.places:
        if gate is not None:
            control, target = circuit.gates[layer][gate]
            ends.append((circuit.parts[control], circuit.parts[target]))
        else:
            ends.append(
                (HUB if layer == 0 else runs[layer] - 1, circuit.parts[qubit] if circuit.parts else runs[layer])
            )
    return tuple(ends)


def interaction_graph(circuit: Circuit) -> dict[tuple[int, int], int]:
    """Return how many entangling gates each pair of qubits has over all layers, by (lower, higher) qubit, ascending."""
    return dict(sorted(Counter((min(gate), max(gate)) for layer in circuit.gates for gate in layer).items()))


def balanced_parts(circuit: Circuit, members: int) -> tuple[int, ...]:
    """The part of each qubit, such that the fewest gates are remote and parts differ by at most one qubit in size.

    Balanced graph partition as an integer program, solved to its optimum by SciPy's HiGHS (branch and cut): x_qp = 1 if
    qubit q is in part p; y_e >= x_ap - x_bp for every edge e = (a, b) and part p; the least sum of weight_e y_e. Parts
    are numbered by their first qubit. Raises ValueError for more members than qubits.
    """
    n, edges = circuit.qubits, interaction_graph(circuit)
    if not 1 <= members <= n:
        raise ValueError(f"the circuit has {n} qubits to share, got {members} processors")
    columns = n * members + len(edges)
    rows = lil_array((n + members + len(edges) * members, columns))
    least, most = np.full(rows.shape[0], -np.inf), np.zeros(rows.shape[0])
    for q in range(n):
        rows[q, q * members : (q + 1) * members] = 1
        least[q] = most[q] = 1
    for p in range(members):
        rows[n + p, p : n * members : members] = 1
        least[n + p], most[n + p] = n // members, -(-n // members)
    for e, (a, b) in enumerate(edges):
        for p in range(members):
            row = n + members + e * members + p
            rows[row, a * members + p], rows[row, b * members + p], rows[row, n * members + e] = 1, -1, -1
    numbered_by_first_qubit = np.array([p <= q for q in range(n) for p in range(members)] + [True] * len(edges), float)
    found = milp(
        np.concatenate([np.zeros(n * members), list(edges.values())]),
        integrality=np.arange(columns) < n * members,
        bounds=Bounds(0, numbered_by_first_qubit),
        constraints=LinearConstraint(rows.tocsr(), least, most),
    )
    assert found.success, f"a balanced partition always exists: {found.message}"
    chosen = np.argmax(np.reshape(found.x[: n * members], (n, members)), axis=1)
    order = {int(part): place for place, part in enumerate(dict.fromkeys(chosen.tolist()))}
    return tuple(order[int(part)] for part in chosen)
