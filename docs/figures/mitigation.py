"""Trains shared circuits with each kind of error mitigation, as E5 of the registered experiments says, and writes what
it shows into docs/explanation/mitigation.md.

usage: .venv/bin/python docs/figures/mitigation.py [--seeds SEED ...] [--page-only]

Runs that docs/explanation/results/mitigation.csv has are not made again; --page-only makes none.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections.abc import Sequence
from itertools import combinations, product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import ceas_ray
from ceas_ray.reports.intervals import half_widths

DOCS = Path(__file__).parents[1]
TABLE = DOCS / "explanation" / "results" / "mitigation.csv"
PAGE, BEGIN, END = DOCS / "explanation" / "mitigation.md", "<!-- results: begin -->\n", "<!-- results: end -->\n"
ARMS = ("none", "rescale", "bounded_rescale")
SEEDS = tuple(range(1601, 1607))
CIRCUITS = {
    "tree": f"{DOCS}/examples/my_tree.py:tree",
    "all_to_all": f"{DOCS}/examples/my_all_to_all.py:all_to_all",
    "blocks": f"{Path(__file__).absolute()}:blocks",
}
COMMON = (
    "processors.count=16", "attacks=none", "training.data.shards=iid", "training.rounds=30", "scheduling=on_demand",
    "consensus.committee_size=4", "runtime=local", "tracking=folder",
)  # fmt: skip


class Cell(NamedTuple):
    """A circuit, how it is shared, and the processors that share it."""

    circuit: str
    partition: str
    distributor: str
    members: int


SHARED = (
    Cell("tree", "circuit", "packed", 2),
    Cell("tree", "layer", "fewest_gates", 2),
    Cell("all_to_all", "circuit", "fewest_gates", 2),
    Cell("all_to_all", "layer", "fewest_gates", 2),
    Cell("blocks", "circuit", "packed", 2),
    Cell("blocks", "layer", "fewest_gates", 4),
)
LONGEST = SHARED[4]
ALONE = tuple(Cell(circuit, "data", "fewest_gates", 1) for circuit in CIRCUITS)


class Row(NamedTuple):
    """A run: its cell, arm and seed, and what its summary says."""

    circuit: str
    partition: str
    distributor: str
    arm: str
    seed: int
    accuracy: float
    centralized: float
    contrast: float


def blocks() -> Any:
    """Return a circuit with its vectors: inputs once, then four blocks of rotations and a CZ between any two qubits."""
    from qiskit import QuantumCircuit
    from qiskit.circuit import ParameterVector

    x, theta = ParameterVector("x", 4), ParameterVector("theta", 16)
    circuit = QuantumCircuit(4)
    for qubit in range(4):
        circuit.ry(x[qubit], qubit)
    for block in range(4):
        if block > 0:
            circuit.barrier()
        for qubit in range(4):
            circuit.ry(theta[4 * block + qubit], qubit)
        for first, second in combinations(range(4), 2):
            circuit.cz(first, second)
    return circuit, x, theta


def trained(cell: Cell, arm: str, seed: int) -> Row:
    """Make a run and return its row."""
    words = [f"training.circuit={CIRCUITS[cell.circuit]}", f"training.partition={cell.partition}", f"seed={seed}"]
    words += [f"training.error_mitigation={arm}", f"training.distributor={cell.distributor}"]
    if cell.members > 1:
        words.append(f"training.processors_per_group={cell.members}")
    with tempfile.TemporaryDirectory() as folder:
        found = ceas_ray.run(*words, *COMMON, f"output={folder}/run").summary
    accuracies = found["test_accuracy"], found["centralized_accuracy"], found["mean_contrast"]
    return Row(*cell[:3], arm, seed, *(round(value, 4) for value in accuracies))


def recorded() -> list[Row]:
    """Return the rows of the table."""
    if not TABLE.exists():
        return []
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = [[row[name] for name in Row._fields] for row in csv.DictReader(file)]
    return [Row(*row[:4], int(row[4]), *map(float, row[5:])) for row in rows]


def make_missing(seeds: Sequence[int]) -> None:
    """Make all runs that the table lacks, seed by seed and those that take longest last, and add a line for each."""
    known = {row[:5] for row in recorded()}
    if not known:
        TABLE.write_text(",".join(Row._fields) + "\n", encoding="utf-8")
    quick = [*product([cell for cell in SHARED if cell != LONGEST], ARMS), *product(ALONE, ["rescale"])]
    for seed, (cell, arm) in [*product(seeds, quick), *product(seeds, product([LONGEST], ARMS))]:
        if (*cell[:3], arm, seed) not in known:
            with TABLE.open("a", encoding="utf-8") as file:
                file.write(",".join(map(str, trained(cell, arm, seed))) + "\n")


def interval(rows: Sequence[Row]) -> tuple[float, float, float]:
    """Return the mean difference from the circuit in one place, in points, and Student's 95 % interval."""
    differences = np.array([100 * (row.accuracy - row.centralized) for row in rows])
    mean, half = float(differences.mean()), float(half_widths(differences))
    return mean, mean - half, mean + half


def decided(worst: dict[str, float]) -> str:
    """Return the arm that the registered rule chooses from each arm's worst cell, in points."""
    return next(arm for arm in ("none", "bounded_rescale", "rescale") if worst[arm] >= max(worst.values()) - 2)


def results() -> str:
    """Return the part of the page that the table decides."""
    rows = recorded()
    lines = ["| circuit | shared by | error mitigation | seeds | contrast | accuracy | in one place | points (95 %) |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    worst: dict[str, float] = {}
    for cell, arm in [*product(SHARED, ARMS), *product(ALONE, ["rescale"])]:
        of = [row for row in rows if row[:4] == (*cell[:3], arm) and row.seed in SEEDS]
        if len(of) < 2:
            continue
        mean, low, high = interval(of)
        shared = f"`{cell.partition}`" + (f", `{cell.distributor}`" if cell.partition == "circuit" else "")
        means = (float(np.mean([getattr(row, name) for row in of])) for name in ("contrast", "accuracy", "centralized"))
        figures = [str(len(of)), *(f"{value:.2f}" for value in means), f"{mean:+.1f} ({low:+.1f} to {high:+.1f})"]
        lines.append(f"| `{cell.circuit}` | {shared} | `{arm}` | {' | '.join(figures)} |")
        if cell in SHARED:
            worst[arm] = min(worst.get(arm, np.inf), mean)
    summary = "; ".join(f"`{arm}` {points:+.1f}" for arm, points in worst.items())
    head = f"Worst cell of each arm, in points: {summary}. The rule chooses **`{decided(worst)}`**."
    return "\n".join([head, "", *lines, ""])


def main() -> None:
    """Make what is missing, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--page-only", action="store_true")
    chosen = parser.parse_args()
    if not chosen.page_only:
        make_missing(chosen.seeds)
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(before + BEGIN + "\n" + results() + "\n" + END + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
