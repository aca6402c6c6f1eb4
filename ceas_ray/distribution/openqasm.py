"""A scheduled distributed circuit as an OpenQASM 3 program: one register a node, measurements and corrections."""

from __future__ import annotations

import cmath
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ceas_ray.distribution.program import Apply, Copy, Flip, PhaseGate, Place
from ceas_ray.distribution.schedule import Schedule
from ceas_ray.quantum.gate_list import GateList


def to_openqasm3(schedule: Schedule, circuit: GateList) -> str:
    """Return the program: layers in order, each after a comment; at the end the circuit's own measurements.

    A Bell pair is prepared by a gate between two nodes, in place of the network. Angles have all of their digits.
    """
    writer = _Writer(schedule)
    lines = ["OPENQASM 3.0;", 'include "stdgates.inc";', *writer.declarations()]
    if circuit.bits:
        lines.append(f"bit[{circuit.bits}] result;")
    lines += ["bit outcome;"] if schedule.program.pairs else []
    last = -1
    for step in schedule.order:
        if schedule.layer[step] != last:
            last = schedule.layer[step]
            lines.append(f"// layer {last}")
        lines += writer.step(step)
    lines += [f"result[{bit}] = measure {writer.name(schedule.program.end[q])};" for q, bit in circuit.measured]
    return "\n".join(lines) + "\n"


class _Writer:
    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.registers = _identifiers(schedule.program.nodes)

    def declarations(self) -> list[str]:
        """Return one register for each node that holds a qubit at some time."""
        sizes: dict[int, int] = {}
        for place, number in self.schedule.register.items():
            sizes[place.node] = max(sizes.get(place.node, 0), number + 1)
        names = self.schedule.program.nodes
        return [f"qubit[{size}] {self.registers[node]}; // {names[node]!a}" for node, size in sorted(sizes.items())]

    def name(self, place: Place) -> str:
        """Return the qubit of a place."""
        return f"{self.registers[place.node]}[{self.schedule.register[place]}]"

    def step(self, number: int) -> list[str]:
        """Return the statements of a step."""
        step = self.schedule.program.steps[number]
        if isinstance(step, Apply):
            return [_local(step.matrix, self.name(step.at))]
        if isinstance(step, PhaseGate):
            return [f"cp({step.angle!r}) {self.name(step.first)}, {self.name(step.second)};"]
        if isinstance(step, Flip):
            return [f"cx {self.name(step.control)}, {self.name(step.target)};"]
        if isinstance(step, Copy):
            source, near, far = self.name(step.source), self.name(step.near), self.name(step.far)
            return [
                f"reset {near};", f"reset {far};", f"h {near};", f"cx {near}, {far}; // a Bell pair",
                f"cx {source}, {near};", f"outcome = measure {near};", f"if (outcome) {{ x {far}; }}",
            ]  # fmt: skip
        at, holder = self.name(step.at), self.name(step.holder)
        return [f"h {at};", f"outcome = measure {at};", f"if (outcome) {{ z {holder}; }}"]


def _local(matrix: NDArray[np.complex128], name: str) -> str:
    """Return U(theta, phi, lambda), up to a global phase: its first entry is real and positive, its second row has
    phases.
    """
    theta = 2 * float(np.arctan2(abs(matrix[1, 0]), abs(matrix[0, 0])))
    if abs(matrix[0, 0]) > abs(matrix[1, 0]):
        total = cmath.phase(matrix[1, 1] / matrix[0, 0])
        phi = cmath.phase(matrix[1, 0] / matrix[0, 0]) if abs(matrix[1, 0]) > 0 else 0.0
        return f"U({theta!r}, {phi!r}, {total - phi!r}) {name};"
    difference = cmath.phase(-matrix[0, 1] / matrix[1, 0])
    phi = cmath.phase(matrix[1, 0] / matrix[0, 0]) if abs(matrix[0, 0]) > 0 else 0.0
    return f"U({theta!r}, {phi!r}, {phi + difference!r}) {name};"


def _identifiers(names: Sequence[str]) -> list[str]:
    """Return a name that OpenQASM allows for each node, all different."""
    found: list[str] = []
    for name in names:
        plain = "node_" + re.sub(r"[^0-9A-Za-z_]", "_", name)
        found.append(plain if plain not in found else f"{plain}_{len(found)}")
    return found
