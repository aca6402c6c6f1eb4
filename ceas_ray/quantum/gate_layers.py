"""Circuits of the user's own shared by layers: each processor does some of the gates, then teleports all qubits.
Ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ceas_ray.quantum.gate_circuit import Gate, GateCircuit, qubits_of
from ceas_ray.quantum.gate_sharing import COLUMNS_OF_QUBIT_WAIT, PairStep, QubitWait, Sharing, Teleportation
from ceas_ray.quantum.partition import HUB
from ceas_ray.quantum.shot_clock import NO_WAIT, GateDone, PairSpent, ShotEvent


def shared_by_layers(circuit: GateCircuit, members: int, *, qubits_lose: bool = False) -> GateCircuit:
    """Return the circuit with each processor of a group doing a part of its gates, one part after the other.

    Barriers on all qubits separate layers; in a circuit without such barriers, gates of equal depth form a layer. If
    the layers cannot be divided evenly, the first members do one more each. All qubits are teleported on from member to
    member and, where inputs are teleported, from the hub to the first. qubits_lose: whether data qubits lose while they
    wait. Raises ValueError for more members than layers.
    """
    first = circuit.prepared or 0
    layer_of, kind = _layers(circuit)
    count = max(layer_of, default=-1) + 1
    if not 1 <= members <= count:
        raise ValueError(f"the circuit has {count} layers ({kind}) to share, got {members} processors")
    of_layer = np.repeat(np.arange(members), [len(part) for part in np.array_split(np.arange(count), members)])
    member = of_layer[layer_of]
    order = np.argsort(member, kind="stable")
    gates = (*circuit.gates[:first], *(circuit.gates[first + int(g)] for g in order))
    sections = (0,) * first + tuple(np.sort(member).tolist())
    steps: list[tuple[int, PairStep]] = []
    ends: list[tuple[int, int]] = []
    for to in range(0 if circuit.prepared is not None else 1, members):
        steps += [(sections.index(to, first), Teleportation(q, len(ends) + q)) for q in range(circuit.qubits)]
        ends += [(to - 1 if to else HUB, to)] * circuit.qubits
    holders = tuple((m,) * circuit.qubits for m in range(members))
    nothing = ((0, 0),) * len(gates)
    waits: list[tuple[int, QubitWait]] = []
    if qubits_lose:
        waits = _waits(gates, first, steps)
    sharing = Sharing(
        tuple(ends), holders, sections, tuple(sorted([*steps, *waits], key=lambda step: step[0])), nothing, (),
        _events(gates, first, ends, steps, waits=waits), tuple(sections[number] for number, _ in waits),
    )  # fmt: skip
    return replace(circuit, gates=gates, sharing=sharing)


def _waits(gates: Sequence[Gate], first: int, steps: Sequence[tuple[int, PairStep]]) -> list[tuple[int, QubitWait]]:
    """Return the waits of the qubits of gates on two: each may wait for the other, once something was done with it."""
    found: list[tuple[int, QubitWait]] = []
    begun: set[int] = set()
    for number in range(first, len(gates)):
        begun |= {step.qubit for before, step in steps if before == number}
        qubits = qubits_of(gates[number])
        for q in qubits if len(qubits) == 2 else ():
            if q in begun:
                found.append((number, QubitWait(q, False, (), (), len(steps) + COLUMNS_OF_QUBIT_WAIT * len(found))))
        begun |= set(qubits)
    return found


def _events(
    gates: Sequence[Gate],
    first: int,
    ends: Sequence[tuple[int, int]],
    steps: Sequence[tuple[int, PairStep]],
    *,
    waits: Sequence[tuple[int, QubitWait]],
) -> tuple[ShotEvent, ...]:
    """Return the teleportations and the gates of processors in order; a qubit's value has its number."""
    wait_of = {(number, wait.qubit): index for index, (number, wait) in enumerate(waits)}
    teleported: dict[int, list[ShotEvent]] = {}
    for number, step in steps:
        assert isinstance(step, Teleportation), "layers share no values"
        spent = PairSpent(step.place, step.qubit, step.qubit, ends[step.place])
        teleported.setdefault(number, []).append(spent)
    found: list[ShotEvent] = []
    for number in range(first, len(gates)):
        qubits = qubits_of(gates[number])
        found += teleported.get(number, [])
        of_qubits = tuple(wait_of.get((number, q), NO_WAIT) for q in qubits)
        found.append(GateDone(qubits, (NO_WAIT,) * len(qubits), (False,) * len(qubits), of_qubits))
    return tuple(found)


def _layers(circuit: GateCircuit) -> tuple[list[int], str]:
    """Return the layer of each gate that processors do, numbered from 0 without gaps, and how layers are told apart, in
    words.
    """
    first = circuit.prepared or 0
    behind = [sum(1 for barrier in circuit.barriers if barrier <= g) for g in range(first, len(circuit.gates))]
    blocks = {barriers: layer for layer, barriers in enumerate(sorted(set(behind)))}
    if len(blocks) > 1:
        return [blocks[barriers] for barriers in behind], "between barriers"
    depth = [0] * circuit.qubits
    found = []
    for gate in circuit.gates[first:]:
        layer = max(depth[q] for q in qubits_of(gate))
        found.append(layer)
        for q in qubits_of(gate):
            depth[q] = layer + 1
    return found, "of equal depth"
