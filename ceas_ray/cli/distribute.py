"""The command `ceas-distribute CIRCUIT NETWORK`: the cost of a circuit shared by the processors of a network."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ceas_ray.cli.exit_codes import BAD_SETTINGS, COMPLETED
from ceas_ray.config.errors import SettingsError, UnusableSettings, blame_on
from ceas_ray.distribution.distribution import Distribution, Distributor
from ceas_ray.distribution.fewest_gates_distributor import FewestGatesDistributor
from ceas_ray.distribution.network_file import read_network
from ceas_ray.distribution.openqasm import to_openqasm3
from ceas_ray.distribution.packed_distributor import PackedDistributor
from ceas_ray.distribution.program import program_of
from ceas_ray.distribution.schedule import Schedule, schedule_of
from ceas_ray.distribution.static_distributor import StaticDistributor
from ceas_ray.kernel.input_file import InputFile
from ceas_ray.quantum.qiskit_import import read_openqasm
from ceas_ray.runtime.interruption import answered

DISTRIBUTORS: dict[str, Distributor] = {
    "packed": PackedDistributor(),
    "fewest_gates": FewestGatesDistributor(),
    "static": StaticDistributor(),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Distribute the circuit and print its cost. Return 0, or 2 if a file cannot be used as what it is given for."""
    parser = argparse.ArgumentParser(
        prog="ceas-distribute",
        description="Distributes a circuit over the processors of a network at the least cost in Bell pairs.",
    )
    parser.add_argument("circuit", help="a program of OpenQASM 2 or 3")
    parser.add_argument("network", help="a GraphML file; a node's attribute qubits says how many it holds")
    parser.add_argument("--distributor", choices=list(DISTRIBUTORS), default="packed")
    parser.add_argument("--json", action="store_true", help="print one JSON object: pairs, depth, memories and more")
    parser.add_argument("--openqasm", metavar="FILE", help="write the distributed circuit as OpenQASM 3")
    parser.add_argument("--draw", metavar="FILE", help="draw its schedule, as .png, .svg or .pdf")
    chosen = parser.parse_args(arguments)
    return answered(lambda _: _distribute(chosen))


def _distribute(chosen: argparse.Namespace) -> int:
    try:
        for key, path in (("--openqasm", chosen.openqasm), ("--draw", chosen.draw)):
            if path is not None and (not path or "\0" in path):
                raise SettingsError(key, "the path of a file to write", path)
        if chosen.draw and Path(chosen.draw).suffix not in (".png", ".svg", ".pdf"):
            raise SettingsError("--draw", "a file that ends in .png, .svg or .pdf", chosen.draw)
        circuit = blame_on("circuit", lambda: read_openqasm(_file("circuit", chosen.circuit)))
        network = blame_on("network", lambda: read_network(_file("network", chosen.network)))
        distribution = blame_on("network", lambda: DISTRIBUTORS[chosen.distributor](circuit, network))
        schedule = schedule_of(program_of(distribution))
        if chosen.openqasm:
            _write("--openqasm", chosen.openqasm, to_openqasm3(schedule, circuit))
        if chosen.draw:
            from ceas_ray.reports.distributed_circuit import draw

            _writing("--draw", chosen.draw, lambda: draw(schedule, Path(chosen.draw)))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return BAD_SETTINGS
    found = summary(distribution, schedule)
    print(json.dumps(found) if chosen.json else _text(chosen, found))
    return COMPLETED


def summary(distribution: Distribution, schedule: Schedule) -> dict[str, Any]:
    """Return the cost of a distribution: Bell pairs, depth in layers, memories by node, and further counts."""
    names = schedule.program.nodes
    held: dict[str, list[int]] = {name: [] for name in names}
    for qubit, place in enumerate(schedule.program.start):
        held[names[place.node]].append(qubit)
    return {
        "pairs": schedule.program.pairs,
        "depth": schedule.depth,
        "memories": schedule.memories(distribution.network.capacities),
        "qubits": distribution.packets.qubits,
        "two_qubit_gates": len(distribution.place),
        "moves": int((distribution.home != distribution.next_home).sum()),
        "held_at_start": held,
        "pairs_by_layer": [list(pair) for pair in schedule.pairs_by_layer],
    }


def _text(chosen: argparse.Namespace, found: dict[str, Any]) -> str:
    lines = [
        f"{chosen.circuit}: {found['qubits']} qubits, {found['two_qubit_gates']} gates on two; {chosen.network}: "
        f"{len(found['memories'])} nodes",
        f"{chosen.distributor}: {found['pairs']} Bell pairs, {found['depth']} layers, {found['moves']} moves of qubits",
        "node: memories for pairs; qubits at the start",
    ]
    for name, memories in found["memories"].items():
        lines.append(
            f"  {name}: {memories}; {', '.join(str(qubit) for qubit in found['held_at_start'][name]) or 'none'}"
        )
    lines.append("layer: Bell pairs at its begin")
    by_layer: dict[int, list[str]] = {}
    for layer, near, far in found["pairs_by_layer"]:
        by_layer.setdefault(layer, []).append(f"{near} - {far}")
    return "\n".join([*lines, *(f"  {layer}: {', '.join(pairs)}" for layer, pairs in by_layer.items())])


def _file(key: str, path: str) -> InputFile:
    try:
        return InputFile.read(path)
    except ValueError as error:
        raise SettingsError(key, str(error), path) from None


def _write(key: str, path: str, text: str) -> None:
    _writing(key, path, lambda: Path(path).write_text(text, encoding="utf-8"))


def _writing(key: str, path: str, write: Any) -> None:
    try:
        write()
    except OSError as error:
        raise UnusableSettings(key, f"{path} cannot be written ({error.strerror})") from None


if __name__ == "__main__":
    sys.exit(main())
