"""Bell pairs that distributed circuits take, beside pytket-dqc and memq-dqc.

usage: scripts/bench distribution [--circuits FOLDER] [--only WORD ...] [--record]

Our results are in `distribution_ours.csv`, with CPU seconds on a loaded machine; the benchmark computes them anew and
says how many differ, and with `--record` it writes them.

The peers' results are in `distribution_peers.csv`, one line a circuit and network, each with the best of three of a
peer's distributors, by the peer's own count in pairs of links, and that one's CPU seconds on a loaded machine. They
were got with memq-dqc 0.1.3 (interaction, hypergraph, interaction_static; networks of `generate_network`, all_to_all)
and the public pytket-dqc of 2025-12-15 (PartitioningHeterogeneous, PartitioningHeterogeneousEmbedding,
CoverEmbeddingSteinerDetached, seed 1; KaHyPar 1.3.7 refuses vertices of weight 0, so that qubits weighed 100,000 and
gates 1), with 240 s of wall time for each; where a peer did not end in time its columns are empty. On qft_n29 and
qft_n60 pytket-dqc was not run, so that its columns are empty there too, and on qft_n60 memq-dqc's hypergraph alone was.
The peers were given the same gates; pytket-dqc, which has no swaps, got circuits with their swaps as new names.

Circuits: the quantum Fourier transforms that memq-dqc ships (qft_n18 and qft_n29 in CX and RZ), its adder and
multiplier (read from FOLDER, the folder of its circuits; left out without it), and ansaetze of ours. Prints a table and
one JSON line.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ceas_ray.distribution.packed_distributor import PackedDistributor
from ceas_ray.distribution.processor_network import ProcessorNetwork
from ceas_ray.kernel.input_file import InputFile
from ceas_ray.quantum.circuit import Ansatz, Circuit
from ceas_ray.quantum.gate_list import GateList
from ceas_ray.quantum.qiskit_export import export
from ceas_ray.quantum.qiskit_import import from_qiskit, read_openqasm

PEERS = Path(__file__).with_name("distribution_peers.csv")
OURS = Path(__file__).with_name("distribution_ours.csv")
ANSAETZE: dict[str, Ansatz] = {"ring": "ring", "hea": "hardware_efficient", "sel": "strongly_entangling"}
SECONDS_OF_PEERS = ("memq_cpu_seconds", "pytket_cpu_seconds")
IN_CX_AND_RZ = ("qft_n18", "qft_n29")


@dataclass(frozen=True)
class Case:
    """A circuit on a network, the fewest pairs of each peer (None: it gave no answer), and the faster peer's CPU
    seconds.
    """

    circuit: str
    network: str
    qubits_per_processor: int
    memq_pairs: int | None
    pytket_pairs: int | None
    fastest_seconds: float

    @property
    def max_seconds(self) -> float:
        """Ten times what the faster peer took, or 2 s."""
        return max(2.0, 10 * self.fastest_seconds)

    def processors(self) -> ProcessorNetwork:
        """Return the network: a pair, chain, ring, or star (processor 0 in the middle)."""
        kind, _, count = self.network.partition("-")
        size = int(count)
        chain = [(k, k + 1) for k in range(size - 1)]
        edges = {"star": [(0, k) for k in range(1, size)], "ring": [*chain, (size - 1, 0)]}.get(kind, chain)
        return ProcessorNetwork.from_edges(edges, [self.qubits_per_processor] * size)


def peers() -> list[Case]:
    """Return all cases of `distribution_peers.csv`."""
    with PEERS.open(encoding="utf-8", newline="") as file:
        return [
            Case(
                circuit=row["circuit"], network=row["network"], qubits_per_processor=int(row["qubits_per_processor"]),
                memq_pairs=int(row["memq_pairs"]) if row["memq_pairs"] else None,
                pytket_pairs=int(row["pytket_pairs"]) if row["pytket_pairs"] else None,
                fastest_seconds=min(float(row[peer]) for peer in SECONDS_OF_PEERS if row[peer]),
            )
            for row in csv.DictReader(file)
        ]  # fmt: skip


class Found(NamedTuple):
    """The pairs that our distributor took for a case, and its CPU seconds."""

    pairs: int
    seconds: float


def recorded() -> dict[Case, Found]:
    """Return our recorded results."""
    cases = {(case.circuit, case.network): case for case in peers()}
    with OURS.open(encoding="utf-8", newline="") as file:
        return {
            cases[row["circuit"], row["network"]]: Found(int(row["pairs"]), float(row["cpu_seconds"]))
            for row in csv.DictReader(file)
        }


def distributed(case: Case, folder: str | None = None) -> Found | None:
    """Distribute the circuit of a case. Return None if only a folder of circuits has it, and none is given."""
    circuit = circuit_named(case.circuit, folder)
    if circuit is None:
        return None
    started = time.process_time()
    pairs = PackedDistributor()(circuit, case.processors()).pairs
    return Found(pairs, round(time.process_time() - started, 2))


@cache
def circuit_named(name: str, folder: str | None = None) -> GateList | None:
    """Return the circuit of this name; None if only a folder of circuits has it, and none is given."""
    transform = re.fullmatch(r"qft_n(\d+)", name)
    if transform:
        return from_qiskit(_fourier_transform(int(transform[1]), name in IN_CX_AND_RZ))
    ansatz = re.fullmatch(r"(ring|hea|sel)_(cx|cz)_n(\d+)_l(\d+)", name)
    if ansatz:
        entangler: Any = ansatz[2]
        circuit = Circuit(
            int(ansatz[3]), int(ansatz[4]), 1, entangler=entangler, reuploaded=False, ansatz=ANSAETZE[ansatz[1]]
        )
        draw = np.random.default_rng(7)
        angles = draw.uniform(0.1, 3, circuit.parameter_count), draw.uniform(0.1, 3, circuit.qubits)
        return from_qiskit(export(circuit, *angles))
    return None if folder is None else read_openqasm(InputFile.read(str(Path(folder) / f"{name}.qasm")))


def _fourier_transform(qubits: int, in_cx_and_rz: bool) -> Any:
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(qubits)
    for target in reversed(range(qubits)):
        circuit.h(target)
        for control in range(target):
            angle = np.pi / 2 ** (target - control)
            if in_cx_and_rz:
                circuit.rz(angle / 2, control)
                circuit.cx(control, target)
                circuit.rz(-angle / 2, target)
                circuit.cx(control, target)
                circuit.rz(angle / 2, target)
            else:
                circuit.cp(angle, control, target)
    for low in range(qubits // 2):
        circuit.swap(low, qubits - 1 - low)
    return circuit


def main(words: list[str]) -> dict[str, Any]:
    """Return the benchmark's figures."""
    parser = argparse.ArgumentParser(prog="scripts/bench distribution", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--circuits", metavar="FOLDER", help="memq-dqc's circuits, for its adder and its multiplier")
    parser.add_argument(
        "--only", nargs="+", default=[""], metavar="WORD", help="circuits whose names hold one of these"
    )
    parser.add_argument("--record", action="store_true", help="write the results to the file of ours")
    chosen = parser.parse_args(words)
    known, rows = recorded(), {}
    distributed(peers()[0])  # compiles the search, which is no case's time
    for case in peers():
        found = distributed(case, chosen.circuits) if any(word in case.circuit for word in chosen.only) else None
        if found is None:
            continue
        rows[case] = found
        peer = f"pytket-dqc {case.pytket_pairs}, memq-dqc {case.memq_pairs}"
        print(f"{case.circuit} on {case.network}: {found.pairs} pairs in {found.seconds} s; {peer}", file=sys.stderr)
    figures = summary(rows)
    figures["not_as_recorded"] = sum(case not in known or known[case].pairs != rows[case].pairs for case in rows)
    if chosen.record:
        _record({case: rows.get(case) or known.get(case) for case in peers()})
    return figures


def _record(rows: Mapping[Case, Found | None]) -> None:
    with OURS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["circuit", "network", "pairs", "cpu_seconds"])
        writer.writerows([case.circuit, case.network, *found] for case, found in rows.items() if found is not None)


def summary(rows: Mapping[Case, Found]) -> dict[str, Any]:
    """Return how cases and our pairs compare with each peer."""
    memq = [(found.pairs, case.memq_pairs) for case, found in rows.items() if case.memq_pairs is not None]
    pytket = [(found.pairs, case.pytket_pairs) for case, found in rows.items() if case.pytket_pairs is not None]
    return {
        "cases": len(rows),
        "over_time": sum(found.seconds > case.max_seconds for case, found in rows.items()),
        "beside_memq": len(memq),
        "more_than_memq": sum(ours > theirs for ours, theirs in memq),
        "memq_over_ours": round(sum(theirs for _, theirs in memq) / max(sum(ours for ours, _ in memq), 1), 2),
        "beside_pytket": len(pytket),
        "more_than_pytket": sum(ours > theirs for ours, theirs in pytket),
        "worst_over_pytket": round(max((ours / max(theirs, 1) for ours, theirs in pytket), default=0.0), 3),
        "pytket_over_ours": round(sum(theirs for _, theirs in pytket) / max(sum(ours for ours, _ in pytket), 1), 2),
    }
