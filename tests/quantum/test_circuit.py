"""Circuits in layers: their gates, their parameters, and where a shot spends pairs."""

from __future__ import annotations

from typing import Any

import pytest

from ceas_ray.quantum.circuit import RY, RZ, Circuit, PairPlace


@pytest.mark.parametrize(("ansatz", "gates", "rotations"), [
    ("ring", [[(0, 1), (1, 2), (2, 3), (3, 0)]] * 2, (RY, RZ)),
    ("hardware_efficient", [[(0, 1), (1, 2), (2, 3)]] * 2, (RY, RZ)),
    ("strongly_entangling", [[(0, 1), (1, 2), (2, 3), (3, 0)], [(0, 2), (1, 3), (2, 0), (3, 1)]], (RZ, RY, RZ)),
])  # fmt: skip
def test_an_ansatz_has_its_gates_and_its_rotations(ansatz: Any, gates: Any, rotations: Any) -> None:
    circuit = Circuit(4, 2, 1, ansatz=ansatz)
    assert [list(layer) for layer in circuit.gates] == gates
    assert circuit.rotations == rotations
    assert circuit.parameter_count == circuit.shift_count == 2 * 4 * len(rotations)


def test_gates_between_parts_cost_a_pair_each_in_every_layer() -> None:
    """A ring of four qubits in two halves is cut at (1, 2) and (3, 0)."""
    circuit = Circuit(4, 2, 1, reuploaded=True, parts=(0, 0, 1, 1))
    assert circuit.places == tuple(
        PairPlace(layer, qubit, gate) for layer in (0, 1) for qubit, gate in ((1, 1), (3, 3))
    )
    assert circuit.pairs_within == 4


def test_a_teleported_layer_costs_a_pair_for_each_qubit() -> None:
    circuit = Circuit(3, 2, 1, reuploaded=True, teleported_before=(1,))
    assert circuit.places == tuple(PairPlace(1, qubit, None) for qubit in range(3))


def test_a_circuit_on_one_processor_spends_nothing_inside() -> None:
    assert Circuit(3, 2, 1).pairs_within == 0


@pytest.mark.parametrize(("make", "message"), [
    (lambda: Circuit(1, 1, 1), "a circuit needs at least 2 qubits, got 1"),
    (lambda: Circuit(3, 1, 4), r"a circuit needs 1 to 3 outputs \(one per qubit\), got 4"),
    (lambda: Circuit(3, 1, 1, parts=(0, 1)), "parts must name a part for each of 3 qubits, got 2"),
    (lambda: Circuit(3, 2, 1, teleported_before=(2,)), r"teleported_before must be 0 to 1, got \(2,\)"),
    (lambda: Circuit(3, 2, 1, reuploaded=True, teleported_before=(0,)),
     r"teleported_before must be 1 to 1, got \(0,\)"),
])  # fmt: skip
def test_circuits_that_cannot_be_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
