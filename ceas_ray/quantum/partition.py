"""A circuit that several processors share: who holds which qubit or layer, and where its Bell pairs are spent. Ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from ceas_ray.quantum.circuit import Circuit

HUB = -1
"""The hub's place in `pair_ends`; members of a group count from 0."""


def partition_by_qubits(circuit: Circuit, members: int, teleported_inputs: bool) -> Circuit:
    """Return partition `circuit`: every member holds a part of the qubits; gates between parts spend a pair each.

    teleported_inputs: the hub teleports every encoded qubit to its member. Raises ValueError for more members than
    qubits.
    """
    return replace(circuit, parts=balanced_parts(circuit, members), teleported_before=(0,) if teleported_inputs else ())


def partition_by_layers(circuit: Circuit, members: int, teleported_inputs: bool) -> Circuit:
    """Return partition `layer`: every member runs some consecutive layers, then teleports all qubits on to the next
    member.

    The first members run one layer more if it does not divide. teleported_inputs: the hub teleports the inputs to the
    first member. Raises ValueError for more members than layers.
    """
    if not 1 <= members <= circuit.layers:
        raise ValueError(f"the circuit has {circuit.layers} layers to share, got {members} processors")
    starts = [int(part[0]) for part in np.array_split(np.arange(circuit.layers), members)]
    return replace(circuit, teleported_before=tuple(starts if teleported_inputs else starts[1:]))


def member_of_layer(circuit: Circuit) -> tuple[int, ...]:
    """Return the number of the member that runs each layer."""
    return tuple(sum(1 for first in circuit.teleported_before if 0 < first <= layer) for layer in range(circuit.layers))


def pair_ends(circuit: Circuit) -> tuple[tuple[int, int], ...]:
    """Return between whom each pair of a shot is shared, in the order of `Circuit.places`: (from, to) by member, or
    HUB.
    """
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
    """Return the part of each qubit, such that the fewest gates are remote and parts differ by at most one qubit in
    size.

    Parts are numbered by their first qubit. Raises ValueError for more members than qubits.
    """
    n = circuit.qubits
    if not 1 <= members <= n:
        raise ValueError(f"the circuit has {n} qubits to share, got {members} processors")
    min_qubits, max_qubits = [n // members] * members, [-(-n // members)] * members
    return parts_with_fewest_remote_gates(
        n, interaction_graph(circuit), min_qubits=min_qubits, max_qubits=max_qubits, alike=True
    )


def parts_with_fewest_remote_gates(
    qubits: int, edges: Mapping[tuple[int, int], int], *,
    min_qubits: Sequence[int], max_qubits: Sequence[int], alike: bool = False,
) -> tuple[int, ...]:  # fmt: skip
    """Return the part of each qubit, such that edges between parts have the least weight.

    edges: their weights. min_qubits, max_qubits: in each part. Graph partition as an integer program, solved to its
    optimum by SciPy's HiGHS (branch and cut): x_qp = 1 if qubit q is in part p; y_e >= x_ap - x_bp for every edge e =
    (a, b) and part p; the least sum of weight_e y_e. alike: parts are numbered by their first qubit. The sizes must be
    such that there is a partition.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp  # here, because most runs partition no circuit
    from scipy.sparse import lil_array

    members = len(min_qubits)
    columns = qubits * members + len(edges)
    rows = lil_array((qubits + members + len(edges) * members, columns))
    lower, upper = np.full(rows.shape[0], -np.inf), np.zeros(rows.shape[0])
    for q in range(qubits):
        rows[q, q * members : (q + 1) * members] = 1
        lower[q] = upper[q] = 1
    for p in range(members):
        rows[qubits + p, p : qubits * members : members] = 1
        lower[qubits + p], upper[qubits + p] = min_qubits[p], max_qubits[p]
    for (e, (a, b)), p in product(enumerate(edges), range(members)):
        row = qubits + members + e * members + p
        rows[row, a * members + p], rows[row, b * members + p], rows[row, qubits * members + e] = 1, -1, -1
    allowed = [not alike or p <= q for q in range(qubits) for p in range(members)] + [True] * len(edges)
    found = milp(
        np.concatenate([np.zeros(qubits * members), list(edges.values())]),
        integrality=np.arange(columns) < qubits * members,
        bounds=Bounds(0, np.array(allowed, float)),
        constraints=LinearConstraint(rows.tocsr(), lower, upper),
    )
    assert found.success, f"a partition exists: {found.message}"
    chosen = np.argmax(np.reshape(found.x[: qubits * members], (qubits, members)), axis=1).tolist()
    return _numbered(chosen) if alike else tuple(chosen)


def _numbered(parts: Sequence[int]) -> tuple[int, ...]:
    """Return the part of each qubit, parts numbered by their first qubit."""
    order = {part: place for place, part in enumerate(dict.fromkeys(parts))}
    return tuple(order[part] for part in parts)
