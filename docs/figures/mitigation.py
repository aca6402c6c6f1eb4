"""Trains shared circuits with each kind of error mitigation, as E5 of the registered experiments says, and writes what
it shows into docs/explanation/mitigation.md.

usage: .venv/bin/python docs/figures/mitigation.py [--form registered|longer] [--seeds SEED ...] [--page-only]

Runs that the form's table in docs/explanation/results has are not made again; --page-only makes none.
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
TABLES = DOCS / "explanation" / "results"
PAGE = DOCS / "explanation" / "mitigation.md"
ARMS = ("none", "rescale", "bounded_rescale")
CIRCUITS = {
    "tree": f"{DOCS}/examples/my_tree.py:tree",
    "all_to_all": f"{DOCS}/examples/my_all_to_all.py:all_to_all",
    "blocks": f"{Path(__file__).absolute()}:blocks",
}
COMMON = (
    "processors.count=16", "attacks=none", "training.data.shards=iid", "scheduling=on_demand",
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


class Form(NamedTuple):
    """A registered set of runs: `cells` with each of `arms`, `others` with `rescale`, those of `last` at the end."""

    name: str
    table: Path
    cells: tuple[Cell, ...]
    arms: tuple[str, ...]
    others: tuple[Cell, ...]
    last: tuple[Cell, ...]
    rounds: tuple[int, ...]
    seeds: tuple[int, ...]

    def runs(self, seeds: Sequence[int]) -> list[tuple[int, int, Cell, str]]:
        """Return rounds, seed, cell and arm of all runs in the order in which they are made."""
        soon = [cell for cell in self.cells if cell not in self.last]
        quick = [*product(soon, self.arms), *product(self.others, ["rescale"])]
        late = list(product(self.last, self.arms))
        return [
            (rounds, seed, *run) for runs in (quick, late) for rounds in self.rounds for seed in seeds for run in runs
        ]


REGISTERED = Form(
    "registered", TABLES / "mitigation.csv", SHARED, ARMS, ALONE, (LONGEST,), (30,), tuple(range(1601, 1607))
)
LONGER = Form(
    "longer", TABLES / "mitigation_longer.csv", (SHARED[1], SHARED[5]), ("none",), (), (), (30, 120),
    tuple(range(1611, 1621)),
)  # fmt: skip


class Row(NamedTuple):
    """A run: its cell, arm, seed and rounds, and what its summary says."""

    circuit: str
    partition: str
    distributor: str
    arm: str
    seed: int
    rounds: int
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


def trained(rounds: int, seed: int, cell: Cell, arm: str) -> Row:
    """Make a run and return its row."""
    words = [f"training.circuit={CIRCUITS[cell.circuit]}", f"training.partition={cell.partition}", f"seed={seed}"]
    words += [
        f"training.error_mitigation={arm}",
        f"training.distributor={cell.distributor}",
        f"training.rounds={rounds}",
    ]
    if cell.members > 1:
        words.append(f"training.processors_per_group={cell.members}")
    with tempfile.TemporaryDirectory() as folder:
        found = ceas_ray.run(*words, *COMMON, f"output={folder}/run").summary
    accuracies = found["test_accuracy"], found["centralized_accuracy"], found["mean_contrast"]
    return Row(*cell[:3], arm, seed, rounds, *(round(value, 4) for value in accuracies))


def recorded(form: Form) -> list[Row]:
    """Return the rows of the form's table."""
    if not form.table.exists():
        return []
    with form.table.open(encoding="utf-8", newline="") as file:
        rows = [[row[name] for name in Row._fields] for row in csv.DictReader(file)]
    return [Row(*row[:4], *map(int, row[4:6]), *map(float, row[6:])) for row in rows]


def make_missing(form: Form, seeds: Sequence[int]) -> None:
    """Make all runs that the form's table lacks, and add a line for each."""
    known = {row[:6] for row in recorded(form)}
    if not known:
        form.table.write_text(",".join(Row._fields) + "\n", encoding="utf-8")
    for rounds, seed, cell, arm in form.runs(seeds):
        if (*cell[:3], arm, seed, rounds) not in known:
            with form.table.open("a", encoding="utf-8") as file:
                file.write(",".join(map(str, trained(rounds, seed, cell, arm))) + "\n")


def interval(rows: Sequence[Row]) -> tuple[float, float, float]:
    """Return the mean difference from the circuit in one place, in points, and Student's 95 % interval."""
    differences = np.array([100 * (row.accuracy - row.centralized) for row in rows])
    mean, half = float(differences.mean()), float(half_widths(differences))
    return mean, mean - half, mean + half


def decided(worst: dict[str, float]) -> str:
    """Return the arm that the registered rule chooses from each arm's worst cell, in points."""
    return next(arm for arm in ("none", "bounded_rescale", "rescale") if worst[arm] >= max(worst.values()) - 2)


def results(form: Form) -> str:
    """Return the part of the page that the form's table decides."""
    rows = recorded(form)
    titles = (
        "circuit | shared by | error mitigation | rounds | seeds | contrast | accuracy | in one place | points (95 %)"
    )
    lines = [f"| {titles} |", "|---|---|---|---|---|---|---|---|---|"]
    worst: dict[str, float] = {}
    cells = [*product(form.cells, form.arms), *product(form.others, ["rescale"])]
    for (cell, arm), rounds in product(cells, form.rounds):
        of = [row for row in rows if row[:4] == (*cell[:3], arm) and row.rounds == rounds and row.seed in form.seeds]
        if len(of) < 2:
            continue
        mean, low, high = interval(of)
        shared = f"`{cell.partition}`" + (f", `{cell.distributor}`" if cell.partition == "circuit" else "")
        means = (float(np.mean([getattr(row, name) for row in of])) for name in ("contrast", "accuracy", "centralized"))
        figures = [str(rounds), str(len(of)), *(f"{value:.2f}" for value in means)]
        figures.append(f"{mean:+.1f} ({low:+.1f} to {high:+.1f})")
        lines.append(f"| `{cell.circuit}` | {shared} | `{arm}` | {' | '.join(figures)} |")
        if cell in form.cells:
            worst[arm] = min(worst.get(arm, np.inf), mean)
    if len(form.arms) == 1:
        return "\n".join([*lines, ""])
    summary = "; ".join(f"`{arm}` {points:+.1f}" for arm, points in worst.items())
    head = f"Worst cell of each arm, in points: {summary}. The rule chooses **`{decided(worst)}`**."
    return "\n".join([head, "", *lines, ""])


def write_page() -> None:
    """Write what the tables of both forms show between the page's marks."""
    from marked_page import write_between_marks  # here, because runs read the circuit `blocks` from this file alone

    for form in (REGISTERED, LONGER):
        write_between_marks(PAGE, form.name, results(form))


def main() -> None:
    """Make what is missing, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--form", choices=("registered", "longer"), default="registered")
    parser.add_argument("--seeds", type=int, nargs="+")
    parser.add_argument("--page-only", action="store_true")
    chosen = parser.parse_args()
    if not chosen.page_only:
        form = LONGER if chosen.form == "longer" else REGISTERED
        make_missing(form, chosen.seeds or form.seeds)
    write_page()


if __name__ == "__main__":
    main()
