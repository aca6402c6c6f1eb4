"""Random circuits of the user's own in Qiskit, and a second opinion on what they yield: Qiskit itself and Aer."""

from __future__ import annotations

from typing import Any

import numpy as np

from ceas_ray.quantum.gate_circuit import Entangler, FixedGate, GateCircuit
from ceas_ray.quantum.gate_noise import Noise

ONE_QUBIT = ("h", "x", "y", "z", "s", "sdg", "t", "tdg", "sx", "sxdg", "id")
TWO_QUBIT = ("cx", "cy", "cz", "ch", "swap", "iswap", "ecr", "dcx", "csx")
ROTATIONS = ("rx", "ry", "rz", "p")
TWO_QUBIT_ROTATIONS = ("rxx", "ryy", "rzz", "rzx", "crx", "cry", "crz", "cp")


def random_circuit(qubits: int, gates: int, seed: int) -> tuple[Any, Any, Any]:
    """Return a `QuantumCircuit` of all kinds of gates, with its vectors of two inputs and three weights."""
    from qiskit import QuantumCircuit
    from qiskit.circuit import ParameterVector

    draw = np.random.default_rng(seed)
    x, theta = ParameterVector("x", 2), ParameterVector("theta", 3)
    made = QuantumCircuit(qubits)

    def angle() -> Any:
        a, b = draw.uniform(-2, 2, 2).tolist()
        i, j = int(draw.integers(2)), int(draw.integers(3))
        forms = (
            a * theta[j] + b,
            theta[j],
            a * x[i],
            x[i] * theta[j] + a,
            a * x[0] * x[1] + b,
            theta[j] - theta[0] + x[i],
            a,
        )
        return forms[draw.integers(len(forms))]

    made.ry(x[0], 0)
    made.rx(theta[0], 0)
    for _ in range(gates):
        pair = draw.permutation(qubits)[:2].tolist()
        kind = draw.integers(6 if qubits > 1 else 3)
        if kind == 0:
            getattr(made, draw.choice(ONE_QUBIT))(pair[0])
        elif kind == 1:
            getattr(made, draw.choice(ROTATIONS))(angle(), pair[0])
        elif kind == 2:
            made.u(angle(), angle(), angle(), pair[0]) if draw.random() < 0.5 else made.r(angle(), angle(), pair[0])
        elif kind == 3:
            getattr(made, draw.choice(TWO_QUBIT))(*pair)
        elif kind == 4:
            getattr(made, draw.choice(TWO_QUBIT_ROTATIONS))(angle(), *pair)
        else:
            made.cu(angle(), angle(), angle(), angle(), *pair)
    if qubits > 2:
        made.ccx(0, 1, 2)
    return made, x, theta


def random_observables(qubits: int, outputs: int, seed: int) -> tuple[Any, ...]:
    """Return weighted sums of two Pauli strings each."""
    draw = np.random.default_rng(seed)
    return tuple(
        tuple((float(draw.normal()), "".join(draw.choice(list("IXYZ"), qubits))) for _ in range(2))
        for _ in range(outputs)
    )


def ideal_values(circuit: Any, x: Any, theta: Any, *, values: Any, observables: Any) -> Any:
    """The outputs of a `QuantumCircuit` by Qiskit's state vectors, (K,). values: of x and of theta."""
    from qiskit.quantum_info import SparsePauliOp, Statevector

    bound = dict(zip([*x, *theta], np.concatenate(values).tolist(), strict=True))
    used = {parameter: value for parameter, value in bound.items() if parameter in circuit.parameters}
    state = Statevector(circuit.assign_parameters(used))
    return np.array(
        [state.expectation_value(SparsePauliOp([p for _, p in o], [w for w, _ in o])).real for o in observables]
    )


def noisy_values(circuit: GateCircuit, angles: Any, noise: Any) -> Any:
    """The outputs by Aer's density matrices, (K,), readout errors included. angles: of all rotations; noise (n, 7)."""
    from qiskit.quantum_info import Pauli
    from qiskit_aer import AerSimulator

    made = _noisy_circuit(circuit, angles, noise)
    for k, observable in enumerate(circuit.observables):
        for t, (_, pauli) in enumerate(observable):
            made.save_expectation_value(Pauli(pauli), range(circuit.qubits), label=f"{k}_{t}")
    simulator = AerSimulator(method="density_matrix", fusion_enable=False)
    found = simulator.run(made, shots=1).result().data()
    keep = 1 - 2 * noise[:, Noise.READOUT]
    return np.array(
        [
            sum(
                weight * found[f"{k}_{t}"] * np.prod([keep[q] for q, s in enumerate(reversed(pauli)) if s != "I"])
                for t, (weight, pauli) in enumerate(observable)
            )
            for k, observable in enumerate(circuit.observables)
        ]
    )


def measured_signs(circuit: GateCircuit, angles: Any, noise: Any, *, shots: int, seed: int) -> Any:
    """The mean sign that Aer's own shots show of each output, (K,): each shot measures one string, drawn by the size of
    its weight, with readout errors. angles: of all rotations; noise (n, 7).
    """
    from qiskit_aer import AerSimulator
    from qiskit_aer.noise import NoiseModel, ReadoutError

    model = NoiseModel()
    for q, wrong in enumerate(noise[:, Noise.READOUT].tolist()):
        model.add_readout_error(ReadoutError([[1 - wrong, wrong], [wrong, 1 - wrong]]), [q])
    simulator = AerSimulator(method="density_matrix", fusion_enable=False, noise_model=model)
    draw, means = np.random.default_rng(seed), []
    for observable in circuit.observables:
        sizes = np.array([abs(weight) for weight, _ in observable])
        total = 0.0
        for (weight, pauli), count in zip(observable, draw.multinomial(shots, sizes / sizes.sum()), strict=True):
            if count > 0:
                made = _noisy_circuit(circuit, angles, noise)
                _measure(made, pauli)
                counts = simulator.run(made, shots=int(count), seed_simulator=seed).result().get_counts()
                total += np.sign(weight) * sum((-1) ** bits.count("1") * n for bits, n in counts.items())
        means.append(total / shots)
    return np.array(means)


def _measure(made: Any, pauli: str) -> None:
    """Measure the qubits of a Pauli string, each in its basis; turning it there adds no noise."""
    from qiskit import ClassicalRegister
    from qiskit.circuit.library import UnitaryGate

    root = 1 / np.sqrt(2)
    turns = {"X": np.array([[root, root], [root, -root]]), "Y": np.array([[root, -1j * root], [root, 1j * root]])}
    measured = [(q, letter) for q, letter in enumerate(reversed(pauli)) if letter != "I"]
    made.add_register(ClassicalRegister(max(len(measured), 1), "signs"))
    for bit, (q, letter) in enumerate(measured):
        if letter in turns:
            made.append(UnitaryGate(turns[letter]), [q])
        made.measure(q, bit)


def _noisy_circuit(circuit: GateCircuit, angles: Any, noise: Any) -> Any:
    """The circuit with its noise after each gate."""
    from qiskit import QuantumCircuit
    from qiskit.circuit.library import UnitaryGate
    from qiskit.quantum_info import Pauli

    made, rotation = QuantumCircuit(circuit.qubits), 0
    for gate in circuit.gates:
        if isinstance(gate, FixedGate):
            qubits: tuple[int, ...] = (gate.qubit,)
            made.append(UnitaryGate(gate.unitary), qubits)
        elif isinstance(gate, Entangler):
            qubits = gate.qubits
            getattr(made, gate.name)(*qubits)
        else:
            qubits = gate.qubits
            half, string = angles[rotation] / 2, Pauli(gate.pauli[::-1]).to_matrix()
            made.append(UnitaryGate(np.cos(half) * np.eye(len(string)) - 1j * np.sin(half) * string), qubits)
            rotation += 1
        made.append(_error(noise, qubits).to_instruction(), qubits)
    return made


def _error(noise: Any, qubits: Any) -> Any:
    """The channel after a gate on these qubits, the first one's depolarizing included."""
    from qiskit_aer.noise import amplitude_damping_error, depolarizing_error, pauli_error

    first = Noise.ONE_QUBIT_DEPOLARIZING if len(qubits) == 1 else Noise.TWO_QUBIT_DEPOLARIZING
    relaxed = []
    for q in qubits:
        damping, dephasing = noise[q, first + 1], noise[q, first + 2]
        flips = pauli_error([("Z", dephasing / 2), ("I", 1 - dephasing / 2)])
        relaxed.append(amplitude_damping_error(damping).compose(flips))
    depolarizing = depolarizing_error(noise[qubits[0], first], len(qubits))
    return depolarizing.compose(relaxed[0] if len(qubits) == 1 else relaxed[1].tensor(relaxed[0]))
