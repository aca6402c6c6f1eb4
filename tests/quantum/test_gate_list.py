"""Circuits as lists of gates, in their normal form."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ceas_ray.quantum.gate_list import ControlledPhase, LocalGate, is_diagonal, mixes_values, normal_form

X = np.array([[0, 1], [1, 0]], complex)
Z = np.diag([1, -1]).astype(complex)
HADAMARD = (X + Z) / np.sqrt(2)


def test_gates_on_one_qubit_that_follow_each_other_are_one() -> None:
    (gate,) = normal_form(1, [LocalGate(0, X), LocalGate(0, HADAMARD)])
    assert isinstance(gate, LocalGate)
    np.testing.assert_allclose(gate.matrix, HADAMARD @ X, atol=1e-12)


def test_gates_that_undo_each_other_are_dropped() -> None:
    assert normal_form(2, [LocalGate(0, HADAMARD), LocalGate(0, HADAMARD)]) == []
    assert normal_form(2, [ControlledPhase(0, 1, 1.0), ControlledPhase(1, 0, -1.0)]) == []
    assert normal_form(2, [ControlledPhase(0, 1, 2 * math.pi)]) == []


def test_phases_of_the_same_qubits_join_across_what_commutes_with_them() -> None:
    joined, local = normal_form(
        2, [ControlledPhase(0, 1, 1.0), LocalGate(0, Z), ControlledPhase(1, 0, 0.5), LocalGate(0, X)]
    )
    assert joined == ControlledPhase(0, 1, 1.5)
    assert isinstance(local, LocalGate)
    np.testing.assert_allclose(local.matrix, X @ Z, atol=1e-12)


def test_a_gate_that_does_not_commute_keeps_phases_apart() -> None:
    found = normal_form(2, [ControlledPhase(0, 1, 1.0), LocalGate(0, X), ControlledPhase(0, 1, 0.5)])
    assert [type(gate) for gate in found] == [ControlledPhase, LocalGate, ControlledPhase]


def test_a_phase_that_stands_for_a_gate_is_never_merged_and_never_dropped() -> None:
    alone = ControlledPhase(0, 1, 0.0, alone=True)
    assert normal_form(2, [alone, alone]) == [alone, alone]


def test_a_phase_on_one_qubit_is_refused() -> None:
    with pytest.raises(ValueError, match="must act on two qubits, got qubit 1 twice"):
        normal_form(2, [ControlledPhase(1, 1, 0.5)])


def test_only_superpositions_mix_values() -> None:
    assert [is_diagonal(gate) for gate in (X, Z, HADAMARD)] == [False, True, False]
    assert [mixes_values(gate) for gate in (X, Z, HADAMARD)] == [False, False, True]
