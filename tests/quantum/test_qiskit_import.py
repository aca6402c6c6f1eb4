"""Circuits of Qiskit and OpenQASM as lists of gates: the same states, and refusals that name what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit, qasm2, qasm3
from qiskit.circuit import Parameter
from qiskit.circuit.library import RXXGate, StatePreparation, UnitaryGate, get_standard_gate_name_mapping
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import Statevector, random_unitary

from ceas_ray.kernel.input_file import InputFile
from ceas_ray.quantum.gate_list import ControlledPhase, GateList
from ceas_ray.quantum.qiskit_import import from_qiskit, read_openqasm
from tests.distribution.circuits import state_of
from tests.distribution.execution import distance


def final_state(circuit: GateList) -> Any:
    """The circuit's state, with its qubits where it has them."""
    index = np.arange(2**circuit.qubits)
    wires = sum(((index >> q & 1) << wire for q, wire in enumerate(circuit.final)), np.zeros_like(index))
    return state_of(circuit.qubits, list(circuit.gates))[wires]


def agrees(circuit: QuantumCircuit) -> bool:
    return distance(final_state(from_qiskit(circuit)), Statevector(circuit).data) < 1e-12


@pytest.mark.parametrize("name", sorted(get_standard_gate_name_mapping()))
def test_every_standard_gate_is_what_qiskit_says(name: str) -> None:
    gate = get_standard_gate_name_mapping()[name]
    if name in ("measure", "reset", "delay", "global_phase"):
        return
    draw = np.random.default_rng(1)
    angles = draw.uniform(-7, 7, len(gate.params)).tolist()
    gate = gate.base_class(*angles) if angles else gate
    circuit = random_circuit(gate.num_qubits, 2, max_operands=1, seed=3)
    circuit.append(gate, draw.permutation(gate.num_qubits).tolist())
    assert agrees(circuit)


@pytest.mark.parametrize("seed", range(25))
def test_random_circuits_are_what_qiskit_says(seed: int) -> None:
    assert agrees(random_circuit(5, 6, seed=seed))


def test_unusual_gates_are_what_qiskit_says() -> None:
    circuit = QuantumCircuit(4)
    circuit.append(StatePreparation([0.6, 0, 0.8j, 0]), [0, 2])
    circuit.append(UnitaryGate(random_unitary(8, seed=1)), [0, 1, 3])
    circuit.append(RXXGate(0.3).control(1, ctrl_state=0), [3, 0, 1])
    circuit.append(random_circuit(2, 2, seed=4).to_gate().control(2), [0, 1, 2, 3])
    circuit.swap(0, 3)
    circuit.cp(1e-6, 0, 1)
    circuit.crx(1e-7, 2, 1)
    assert agrees(circuit)


@pytest.mark.parametrize("name", ["cx", "cz", "cp", "crx", "ch", "csx", "cu", "rzz", "rxx", "ryy", "rzx", "ecr"])
def test_these_gates_take_one_controlled_phase(name: str) -> None:
    gate = get_standard_gate_name_mapping()[name]
    gate = gate.base_class(*[0.3] * len(gate.params)) if gate.params else gate
    circuit = QuantumCircuit(2)
    circuit.append(gate, [0, 1])
    phases = [gate for gate in from_qiskit(circuit).gates if isinstance(gate, ControlledPhase)]
    assert len(phases) == 1


@pytest.mark.parametrize("seed", range(5))
def test_files_of_both_versions_are_read(seed: int, tmp_path: Path) -> None:
    circuit = random_circuit(4, 5, seed=seed)
    for number, dump in enumerate((qasm2.dumps, qasm3.dumps)):
        file = tmp_path / f"{number}.qasm"
        file.write_text(dump(circuit))
        assert distance(final_state(read_openqasm(InputFile.read(str(file)))), Statevector(circuit).data) < 1e-12


def test_gates_of_a_program_are_its_own_whatever_their_names(tmp_path: Path) -> None:
    file = tmp_path / "names.qasm"
    file.write_text(
        "OPENQASM 2.0;\ngate h a { U(0.3, 0.2, 0.1) a; }\ngate swap a, b { h a; CX a, b; }\ngate delay a { h a; }\n"
        "qreg q[2];\nh q[0];\nswap q[0], q[1];\ndelay q[1];\n"
    )
    own = QuantumCircuit(2)
    for step in ([0], [0], [0, 1], [1]):
        own.cx(*step) if len(step) == 2 else own.u(0.3, 0.2, 0.1, step[0])
    assert distance(final_state(read_openqasm(InputFile.read(str(file)))), Statevector(own).data) < 1e-12


def test_loops_are_unrolled_and_measurements_at_the_end_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "loop.qasm"
    file.write_text(
        'OPENQASM 3;\ninclude "stdgates.inc";\nqubit[3] q;\nbit[3] c;\nreset q[1];\n'
        "for int i in [0:2] { h q[0]; cp(0.1 * i) q[0], q[2]; }\nswap q[0], q[1];\nc[2] = measure q[0];\n"
    )
    read = read_openqasm(InputFile.read(str(file)))
    assert read.measured == ((1, 2),)
    assert sum(isinstance(gate, ControlledPhase) for gate in read.gates) == 3


def refused(circuit: QuantumCircuit, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        from_qiskit(circuit)


def test_what_is_no_unitary_circuit_is_refused_by_name() -> None:
    early = QuantumCircuit(2, 1)
    early.measure(1, 0)
    early.x(1)
    refused(early, r"measurements must come last, got x after the one of q\[1\]")
    late = QuantumCircuit(1)
    late.h(0)
    late.reset(0)
    refused(late, r"unitary, got reset on q\[0\]")
    free = QuantumCircuit(1)
    free.rx(Parameter("theta"), 0)
    refused(free, "got none for theta")
    branch = QuantumCircuit(1, 1)
    with branch.if_test((0, 1)):
        branch.x(0)
    refused(branch, "unitary, got if_else")
    infinite = QuantumCircuit(1)
    infinite.rx(float("inf"), 0)
    refused(infinite, "finite")
    refused(QuantumCircuit(0), "1 to 1,000 qubits")
