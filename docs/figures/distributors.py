"""Distributes a circuit over four processors by each distributor, and draws docs/figures/distributors.svg of it.

The circuit is the quantum Fourier transform of eight qubits, each of which begins at an angle of its own, on a star of
four processors that hold two each. Every Bell pair is a Werner state of one fidelity when it is used.

usage: .venv/bin/python docs/figures/distributors.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ceas_ray.distribution.distribution import Distributor
from ceas_ray.distribution.fewest_gates_distributor import FewestGatesDistributor
from ceas_ray.distribution.imperfect_pairs import state_fidelity
from ceas_ray.distribution.packed_distributor import PackedDistributor
from ceas_ray.distribution.processor_network import ProcessorNetwork
from ceas_ray.distribution.program import program_of
from ceas_ray.distribution.schedule import schedule_of
from ceas_ray.distribution.static_distributor import StaticDistributor
from ceas_ray.quantum.gate_list import GateList
from ceas_ray.quantum.qiskit_import import from_qiskit
from ceas_ray.reports.plots import pyplot_without_window

QUBITS, FIDELITY = 8, 0.99
NETWORK = ProcessorNetwork.from_edges([(0, 1), (0, 2), (0, 3)], [2, 2, 2, 2])
DISTRIBUTORS: dict[str, Distributor] = {
    "static": StaticDistributor(),
    "fewest gates": FewestGatesDistributor(),
    "packed": PackedDistributor(),
}
AXES = {
    "memories": "memories of a processor, at most",
    "layers": "layers",
    "error": "error of the state, per pair",
}


def circuit() -> GateList:
    """Return the transform, without its swaps at the end."""
    from qiskit import QuantumCircuit

    made = QuantumCircuit(QUBITS)
    for qubit in range(QUBITS):
        made.ry(0.3 * (qubit + 1), qubit)
    for target in reversed(range(QUBITS)):
        made.h(target)
        for control in range(target):
            made.cp(np.pi / 2 ** (target - control), control, target)
    return from_qiskit(made)


def figures_of(distributor: Distributor) -> dict[str, float]:
    """Return the pairs of a distribution, and what is on the other axes."""
    program = program_of(distributor(circuit(), NETWORK))
    schedule = schedule_of(program)
    werner = np.tile([FIDELITY, *[(1 - FIDELITY) / 3] * 3], (program.pairs, 1))
    return {
        "pairs": program.pairs,
        "memories": max(schedule.memories(NETWORK.capacities).values()),
        "layers": schedule.depth,
        "error": (1 - state_fidelity(program, werner)) / program.pairs,
    }


def main() -> None:
    """Distribute and draw."""
    found = {name: figures_of(distributor) for name, distributor in DISTRIBUTORS.items()}
    print(found)
    plt = pyplot_without_window()
    plt.rcParams["svg.hashsalt"] = "distributors"  # the same file from the same numbers
    plt.rcParams["svg.fonttype"] = "none"
    figure, all_axes = plt.subplots(1, 3, figsize=(9.6, 3.2), layout="constrained")
    for axes, (name, label) in zip(all_axes, AXES.items(), strict=True):
        _draw(axes, found, name)
        most = {axis: 1.15 * max(figures[axis] for figures in found.values()) for axis in ("pairs", name)}
        axes.set(xlabel="Bell pairs of links", ylabel=label, xlim=(0, most["pairs"]), ylim=(0, most[name]))
        axes.grid(alpha=0.3)
    all_axes[0].legend(fontsize=8, loc="lower right")
    figure.savefig(Path(__file__).with_suffix(".svg"), metadata={"Date": None})


def _draw(axes: Any, found: dict[str, dict[str, float]], name: str) -> None:
    for distributor, figures in found.items():
        axes.plot(figures["pairs"], figures[name], "o", label=distributor)


if __name__ == "__main__":
    main()
