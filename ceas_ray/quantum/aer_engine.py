"""The reference engine: the same numbers from Qiskit Aer's density matrices, and outcomes from its sampling.

One `run` per processor with `parameter_binds` of every shifted value; nothing is transpiled per shift. A noise model
per processor; gates carry their layer's number as a label where noise differs between layers. Qiskit is imported when
it is called.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceas_ray.quantum.circuit import RY, Circuit
from ceas_ray.quantum.gate_noise import Noise
from ceas_ray.quantum.pauli_engine import LaneInputs, ShiftedValues

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
MAX_BYTES_OF_STATES = 2**25
"""Of the states that one run of Aer begins with."""
_SEED_STEP = 2113
"""By which Aer raises the seed from one circuit of a run to the next: no two circuits of ours share a stream."""


def shifted_values(circuit: Circuit, inputs: LaneInputs, output: Integers, *, threads: int = 1) -> ShiftedValues:
    """Return what `pauli_engine.shifted_values` returns, from the values at theta and at theta_i +- pi/2."""
    count, owner = circuit.parameter_count, inputs.owner
    shifts = np.concatenate([np.zeros((1, count)), np.pi / 2 * np.eye(count), -np.pi / 2 * np.eye(count)])
    values = np.empty((len(owner), 1 + 2 * count))
    for processor in np.unique(owner):
        lanes = np.flatnonzero(owner == processor)
        samples, place = np.unique(inputs.angles[lanes], axis=0, return_inverse=True)
        hardware = _hardware(circuit, inputs, processor, threads)
        table = hardware.expectations(samples, inputs.parameters[processor] + shifts)
        values[lanes] = table[place.ravel(), :, output[lanes]]
    plus, minus = values[:, 1 : 1 + count], values[:, 1 + count :]
    return ShiftedValues(values[:, 0], (plus - minus) / 2, (plus + minus) / 2 - values[:, :1])


def expectations(circuit: Circuit, inputs: LaneInputs, *, threads: int = 1) -> Floats:
    """Return what `pauli_engine.expectations` returns."""
    values = np.empty((len(inputs.owner), circuit.outputs))
    for processor in np.unique(inputs.owner):
        lanes = np.flatnonzero(inputs.owner == processor)
        hardware = _hardware(circuit, inputs, processor, threads)
        values[lanes] = hardware.expectations(inputs.angles[lanes], inputs.parameters[processor][None])[:, 0, :]
    return values


def sampled_outcomes(
    circuit: Circuit, angles: Floats, settings: Floats, output: Integers, *,
    noise: Floats, attenuation: Floats, shots: Integers, seed: int,
) -> Integers:  # fmt: skip
    """Return how often each of S circuits of one processor yields +1, shape (S,), readout errors included.

    angles (S, n) and settings of the parameters (S, P), rad; output and shots (S,); noise ([layers,] n, 7); attenuation
    (n + 1,). Pairs inside the circuit are perfect.
    """
    return Hardware(circuit, noise, attenuation, None).counts(angles, settings, output, shots=shots, seed=seed)


def _hardware(circuit: Circuit, inputs: LaneInputs, processor: int, threads: int) -> Hardware:
    werner = None if inputs.werner is None else inputs.werner[processor]
    return Hardware(circuit, inputs.noise[processor], inputs.attenuation[processor], werner, threads=threads)


class Hardware:
    """Aer's simulator with one processor's noise and its imperfect pairs."""

    def __init__(
        self, circuit: Circuit, noise: Floats, attenuation: Floats, werner: Floats | None, *, threads: int = 1
    ) -> None:
        from qiskit_aer import AerSimulator

        self._circuit, self._attenuation = circuit, attenuation
        places = circuit.places
        given = np.ones(len(places)) if werner is None else werner
        self._hops = {(p.layer, p.qubit): float(w) for p, w in zip(places, given, strict=True) if p.gate is None}
        self._gate_pairs = {(p.layer, p.gate): float(w) for p, w in zip(places, given, strict=True)}
        self._noise = np.broadcast_to(noise, (circuit.layers, circuit.qubits, len(Noise)))
        self._labelled = np.ndim(noise) == 3 or bool(circuit.parts)
        perfect = circuit.reuploaded and not np.any(noise) and bool(np.all(given == 1))
        self._simulator = AerSimulator(
            method="statevector" if perfect else "density_matrix",
            noise_model=self._noise_model(),
            max_parallel_threads=threads,
            max_parallel_experiments=1,
            fusion_enable=False,
        )

    def expectations(self, samples: Floats, settings: Floats) -> Floats:
        """Return <Z_k> of every sample (S, n) at every setting of the parameters (T, P), shape (S, T, outputs).

        Re-uploaded inputs are bound like parameters, to one circuit; teleported ones are states, one circuit each.
        """
        values = np.empty((len(samples), len(settings), self._circuit.outputs))
        settings_at_once = min(len(settings), self._circuits_at_once)
        samples_at_once = max(1, self._circuits_at_once // settings_at_once)
        for first in range(0, len(samples), samples_at_once):
            some = slice(first, first + samples_at_once)
            for start in range(0, len(settings), settings_at_once):
                these = slice(start, start + settings_at_once)
                values[some, these] = self._expectations_of_one_run(samples[some], settings[these])
        return values

    def _expectations_of_one_run(self, samples: Floats, settings: Floats) -> Floats:
        if self._circuit.reuploaded:
            made, theta, x = self._quantum_circuit(None)
            rows = np.repeat(samples, len(settings), axis=0), np.tile(settings, (len(samples), 1))
            columns = zip([*x, *theta], np.hstack(rows).T, strict=True)
            circuits, binds = [made], [{parameter: column.tolist() for parameter, column in columns}]
        else:
            circuits, binds = [], []
            for sample in samples:
                made, theta, _ = self._quantum_circuit(sample)
                circuits.append(made)
                binds.append({parameter: settings[:, i].tolist() for i, parameter in enumerate(theta)})
        for made in circuits:
            self._save_outputs(made)
        result = self._run(circuits, parameter_binds=binds, shots=1)
        values = [
            [found[f"z{k}"] for k in range(self._circuit.outputs)]
            for found in (experiment.data.to_dict() for experiment in result.results)
        ]
        return np.real(np.array(values)).reshape(len(samples), len(settings), self._circuit.outputs)

    def counts(self, angles: Floats, settings: Floats, output: Integers, *, shots: Integers, seed: int) -> Integers:
        """See `sampled_outcomes`."""
        plus, done = np.zeros(len(angles), np.int64), 0
        for number in np.unique(shots[shots > 0]):
            chosen = np.flatnonzero(shots == number)
            for first in range(0, len(chosen), self._circuits_at_once):
                these = chosen[first : first + self._circuits_at_once]
                circuits = [self._measured(angles[s], settings[s], int(output[s])) for s in these]
                result = self._run(circuits, shots=int(number), seed_simulator=seed + done * _SEED_STEP)
                plus[these] = [result.get_counts(i).get("0", 0) for i in range(len(these))]
                done += len(these)
        return plus

    def _measured(self, sample: Floats, parameters: Floats, output: int) -> Any:
        made, theta, _ = self._quantum_circuit(sample, classical=1)
        made.measure(output, 0)
        return made.assign_parameters(dict(zip(theta, parameters.tolist(), strict=True)))

    @property
    def _circuits_at_once(self) -> int:
        """Return how many circuits a run has: Aer holds a state for each."""
        return max(1, MAX_BYTES_OF_STATES // (16 * 4**self._circuit.qubits))

    def _run(self, circuits: list[Any], **options: Any) -> Any:
        result = self._simulator.run(circuits, **options).result()
        if not result.success:
            raise RuntimeError(f"Aer failed: {result.status}")
        return result

    def _save_outputs(self, made: Any) -> None:
        from qiskit.quantum_info import Pauli

        for k in range(self._circuit.outputs):
            made.save_expectation_value(Pauli("Z"), [k], label=f"z{k}")

    def _quantum_circuit(self, sample: Floats | None, classical: int = 0) -> tuple[Any, list[Any], list[Any]]:
        """Return the circuit of a sample (None: its angles stay open), its parameters in our order, and the open
        angles.
        """
        from qiskit import QuantumCircuit
        from qiskit.circuit import ParameterVector
        from qiskit_aer.noise import depolarizing_error

        circuit, n = self._circuit, self._circuit.qubits
        theta = ParameterVector("theta", circuit.parameter_count)
        x = [] if sample is not None else list(ParameterVector("x", n))
        angles = x if sample is None else [float(angle) for angle in sample]
        made = QuantumCircuit(n, classical)
        if not circuit.reuploaded:
            assert sample is not None, "an input state has no open angles"
            made.set_density_matrix(input_state(sample, self._attenuation))
        place = 0
        for layer, gates in enumerate(circuit.gates):
            for q in range(n):
                if layer in circuit.teleported_before:
                    made.append(depolarizing_error(1 - self._hops[layer, q], 1).to_instruction(), [q])
                if circuit.reuploaded:
                    self._append(made, "ry", layer, [q], angles[q])
                    self._append(made, "rz", layer, [q], angles[q])
                for axis in circuit.rotations:
                    self._append(made, "ry" if axis == RY else "rz", layer, [q], theta[place])
                    place += 1
            for gate in gates:
                self._append(made, circuit.entangler, layer, list(gate))
        return made, list(theta), x

    def _append(self, made: Any, name: str, layer: int, qubits: list[int], *angles: Any) -> None:
        from qiskit.circuit.library import CXGate, CZGate, RYGate, RZGate

        gate = {"ry": RYGate, "rz": RZGate, "cx": CXGate, "cz": CZGate}[name](*angles)
        if self._labelled:
            gate = gate.to_mutable()
            gate.label = self._name(name, layer)
        made.append(gate, qubits)

    def _name(self, gate: str, layer: int) -> str:
        return f"{gate}_of_layer_{layer}" if self._labelled else gate

    @staticmethod
    def _remote_error(werner: float, entangler: str) -> Any:
        """Return what a teleported gate adds: Z_c, X_t, Z_c X_t (CZ: Z_c, Z_t, Z_c Z_t), (1 - F)/3 each; target
        first."""
        from qiskit_aer.noise import pauli_error

        share = (1 - werner) / 4
        target = "X" if entangler == "cx" else "Z"
        errors = [("IZ", share), (target + "I", share), (target + "Z", share), ("II", 1 - 3 * share)]
        return pauli_error(errors)

    def _noise_model(self) -> Any:
        from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error

        circuit, model = self._circuit, NoiseModel()
        for layer in range(circuit.layers if self._labelled else 1):
            rows = self._noise[layer]
            for q, row in enumerate(rows):
                one = depolarizing_error(row[Noise.ONE_QUBIT_DEPOLARIZING], 1).compose(
                    _relaxation(row[Noise.ONE_QUBIT_DAMPING], row[Noise.ONE_QUBIT_DEPHASING])
                )
                model.add_quantum_error(one, [self._name("ry", layer), self._name("rz", layer)], [q])
            of_layer = circuit.gates[layer] if self._labelled else sum(circuit.gates, ())
            for g, (control, target) in enumerate(dict.fromkeys(of_layer)):
                each = [
                    _relaxation(rows[q][Noise.TWO_QUBIT_DAMPING], rows[q][Noise.TWO_QUBIT_DEPHASING])
                    for q in (control, target)
                ]
                pair = depolarizing_error(rows[control][Noise.TWO_QUBIT_DEPOLARIZING], 2)
                if circuit.is_remote((control, target)):
                    pair = self._remote_error(self._gate_pairs[layer, g], circuit.entangler).compose(pair)
                pair = pair.compose(each[1].tensor(each[0]))
                model.add_quantum_error(pair, [self._name(circuit.entangler, layer)], [control, target])
        for q, flip in enumerate(self._noise[-1, :, Noise.READOUT]):
            if flip > 0:
                model.add_readout_error(ReadoutError([[1 - flip, flip], [flip, 1 - flip]]), [q])
        return model


def _relaxation(damping: float, dephasing: float) -> Any:
    from qiskit_aer.noise import amplitude_damping_error, pauli_error

    flips = pauli_error([("Z", dephasing / 2), ("I", 1 - dephasing / 2)])
    return amplitude_damping_error(damping).compose(flips)


def input_state(sample: Floats, attenuation: Floats) -> NDArray[np.complex128]:
    """Return the teleported input as a density matrix (2^n, 2^n): attenuation[s] times what has weight s."""
    x_, y_, z_ = np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])
    by_weight = [np.ones((1, 1), complex)]  # the part of the state so far whose Pauli strings have weight s
    for x in sample:
        bloch = (np.sin(x) * np.cos(x) * x_ + np.sin(x) ** 2 * y_ + np.cos(x) * z_) / 2
        idle = [np.kron(np.eye(2) / 2, part) for part in by_weight]
        touched = [np.kron(bloch, part) for part in by_weight]
        by_weight = [idle[0], *(i + t for i, t in zip(idle[1:], touched, strict=False)), touched[-1]]
    return np.asarray(sum(factor * part for factor, part in zip(attenuation, by_weight, strict=True)))
