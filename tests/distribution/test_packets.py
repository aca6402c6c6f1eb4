"""Which gates share a packet, and that the normal form is the same circuit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.distribution.packets import packets_of
from ceas_ray.quantum.gate_list import ControlledPhase, Gate, LocalGate, normal_form
from tests.distribution.circuits import HADAMARD, X, fourier_transform, random_circuit, unitary


@given(seed=st.integers(0, 10**6), qubits=st.integers(2, 4), gates=st.integers(0, 20))
def test_the_normal_form_is_the_same_circuit_up_to_a_phase(seed: int, qubits: int, gates: int) -> None:
    circuit = random_circuit(seed, qubits, gates)
    before, after = unitary(qubits, circuit), unitary(qubits, normal_form(qubits, circuit))
    assert abs(np.trace(before.conj().T @ after)) == pytest.approx(2**qubits, abs=1e-9)


def test_gates_share_a_packet_until_a_gate_mixes_the_values() -> None:
    phase = ControlledPhase(0, 1, 0.3)
    between: dict[str, tuple[Any, int]] = {
        "nothing": (None, 2), "a flip": (X, 2), "a phase": (np.diag([1, 1j]), 2), "a mixing gate": (HADAMARD, 3),
    }  # fmt: skip
    for name, (matrix, packets) in between.items():
        middle: list[Gate] = [] if matrix is None else [LocalGate(0, matrix)]
        assert len(packets_of(2, normal_form(2, [phase, *middle, phase])).owner) == packets, name


def test_two_hadamards_in_a_row_do_not_end_a_packet() -> None:
    """As between two CX on one target."""
    phase = ControlledPhase(0, 1, np.pi)
    around = [LocalGate(1, HADAMARD), phase, LocalGate(1, HADAMARD)]
    assert len(packets_of(2, normal_form(2, [*around, *around])).owner) == 2


def test_every_qubit_of_the_fourier_transform_has_a_packet_before_and_one_after_its_hadamard() -> None:
    packets = packets_of(6, normal_form(6, fourier_transform(6)))
    assert np.bincount(packets.owner).tolist() == [1, 2, 2, 2, 2, 1]
    assert len(packets.ends) == 15


def test_phases_of_the_same_qubits_are_one_and_may_cancel() -> None:
    phase, back = ControlledPhase(0, 1, np.pi), ControlledPhase(1, 0, np.pi)
    assert normal_form(3, [phase, ControlledPhase(1, 2, 0.3), back]) == [ControlledPhase(1, 2, 0.3)]
    assert normal_form(2, [phase, LocalGate(0, np.diag([1, 1j])), ControlledPhase(1, 0, 0.5)])[0] == ControlledPhase(
        0, 1, np.pi + 0.5
    )
    assert len(normal_form(2, [phase, LocalGate(0, X), back])) == 3
    around = [LocalGate(0, HADAMARD), phase, LocalGate(0, HADAMARD)]
    assert normal_form(2, [*around, *around]) == []
    assert normal_form(2, [LocalGate(1, HADAMARD), *around, phase, back, *around, LocalGate(1, HADAMARD)]) == []


def test_phases_that_do_nothing_are_dropped_and_a_phase_on_one_qubit_is_refused() -> None:
    assert normal_form(2, [ControlledPhase(0, 1, 2 * np.pi)]) == []
    with pytest.raises(ValueError, match="two qubits"):
        normal_form(2, [ControlledPhase(1, 1, 0.1)])
