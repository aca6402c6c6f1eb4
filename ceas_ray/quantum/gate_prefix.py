"""The part of a circuit of the user's own that the hub prepares where inputs are teleported."""

from __future__ import annotations

from dataclasses import replace

from ceas_ray.quantum.gate_circuit import CONSTANT, Gate, GateCircuit, Rotation, qubits_of


def prepared_at_hub(circuit: GateCircuit) -> GateCircuit:
    """Return the circuit with the gates of inputs moved to the front, with those that must come before them: the hub
    does these. Raises ValueError, which names the gate, if a gate of weights would be among them.
    """
    wanted: set[int] = set()
    chosen = [False] * len(circuit.gates)
    later = ""
    for g in range(len(circuit.gates) - 1, -1, -1):
        gate = circuit.gates[g]
        terms = gate.terms if isinstance(gate, Rotation) else ()
        of_inputs = any(term.inputs for term in terms)
        if not (of_inputs or wanted & {*qubits_of(gate)}):
            continue
        if of_inputs:
            later = _name(gate)
        if any(term.weight != CONSTANT for term in terms):
            found = _name(gate)
            which = f"{found} has both" if of_inputs else f"{found} comes before {later}"
            raise ValueError(
                f"all gates of inputs must come before those of weights for inputs=teleported, got {which}"
            )
        chosen[g] = True
        wanted |= {*qubits_of(gate)}
    first = tuple(gate for gate, is_first in zip(circuit.gates, chosen, strict=True) if is_first)
    rest = tuple(gate for gate, is_first in zip(circuit.gates, chosen, strict=True) if not is_first)
    barriers = {len(first) + sum(not is_first for is_first in chosen[:barrier]) for barrier in circuit.barriers}
    return replace(circuit, gates=first + rest, prepared=len(first), barriers=tuple(sorted(barriers)))


def _name(gate: Gate) -> str:
    """Return the gate in words, such as `a rotation about ZX by x_0 theta_1 on qubits 0, 1`."""
    assert isinstance(gate, Rotation), "other gates have no angles"
    inputs = {f"x_{j}" for term in gate.terms for j in term.inputs}
    weights = {f"theta_{term.weight}" for term in gate.terms if term.weight != CONSTANT}
    symbols = sorted(inputs) + sorted(weights)
    where = "qubit" if len(gate.qubits) == 1 else "qubits"
    return f"the rotation about {gate.pauli} by {', '.join(symbols)} on {where} {', '.join(map(str, gate.qubits))}"
