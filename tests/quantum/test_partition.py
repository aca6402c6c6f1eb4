"""Who holds what of a shared circuit, and how many pairs that costs."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from ceas_ray.quantum.circuit import Ansatz, Circuit
from ceas_ray.quantum.partition import (
    HUB,
    balanced_parts,
    interaction_graph,
    member_of_layer,
    pair_ends,
    partition_by_layers,
    partition_by_qubits,
)


def cut_weight(circuit: Circuit, parts: tuple[int, ...]) -> int:
    return sum(number for (a, b), number in interaction_graph(circuit).items() if parts[a] != parts[b])


@pytest.mark.parametrize("ansatz", ["ring", "hardware_efficient", "strongly_entangling"])
@pytest.mark.parametrize(("qubits", "members"), [(4, 2), (5, 2), (6, 3), (7, 2), (7, 3), (6, 6), (5, 1)])
def test_no_balanced_partition_has_fewer_remote_gates(ansatz: Ansatz, qubits: int, members: int) -> None:
    circuit = Circuit(qubits, 4, 1, ansatz=ansatz)
    parts = balanced_parts(circuit, members)
    least = min(
        cut_weight(circuit, other)
        for other in itertools.product(range(members), repeat=qubits)
        if {qubits // members, -(-qubits // members)} >= {other.count(p) for p in range(members)}
    )
    assert cut_weight(circuit, parts) == least
    assert {parts.count(p) for p in range(members)} <= {qubits // members, -(-qubits // members)}
    assert list(dict.fromkeys(parts)) == list(range(members))
    assert balanced_parts(circuit, members) == parts


@pytest.mark.parametrize(("qubits", "members"), [(4, 2), (6, 2), (6, 3), (8, 4), (10, 2), (10, 3), (3, 3)])
def test_a_ring_in_m_arcs_spends_m_pairs_a_layer(qubits: int, members: int) -> None:
    partition = partition_by_qubits(Circuit(qubits, 3, 1), members, teleported_inputs=False)
    assert partition.pairs_within == 3 * members
    assert len(pair_ends(partition)) == 3 * members
    line = partition_by_qubits(Circuit(qubits, 3, 1, ansatz="hardware_efficient"), members, teleported_inputs=False)
    assert line.pairs_within == 3 * (members - 1)


def test_a_boundary_between_layers_spends_a_pair_a_qubit() -> None:
    partition = partition_by_layers(Circuit(5, 7, 1), 3, teleported_inputs=False)
    assert partition.teleported_before == (3, 5)
    assert member_of_layer(partition) == (0, 0, 0, 1, 1, 2, 2)
    assert Counter(pair_ends(partition)) == {(0, 1): 5, (1, 2): 5}
    assert partition.pairs_within == 10


def test_teleported_inputs_come_from_the_hub_first() -> None:
    by_qubits = partition_by_qubits(Circuit(4, 2, 1), 2, teleported_inputs=True)
    ends = pair_ends(by_qubits)
    assert ends[:4] == tuple((HUB, part) for part in by_qubits.parts)
    assert Counter(frozenset(pair) for pair in ends[4:]) == {frozenset((0, 1)): 4}
    by_layers = partition_by_layers(Circuit(4, 2, 1), 2, teleported_inputs=True)
    assert Counter(pair_ends(by_layers)) == {(HUB, 0): 4, (0, 1): 4}
    assert len(ends) == by_qubits.pairs_within


def test_more_members_than_qubits_or_layers_are_refused() -> None:
    with pytest.raises(ValueError, match="the circuit has 4 qubits to share, got 5 processors"):
        balanced_parts(Circuit(4, 2, 1), 5)
    with pytest.raises(ValueError, match="the circuit has 2 layers to share, got 3 processors"):
        partition_by_layers(Circuit(4, 2, 1), 3, teleported_inputs=False)
    with pytest.raises(ValueError, match="teleported_before must be 1 to 1"):
        Circuit(4, 2, 1, reuploaded=True, teleported_before=(0,))
