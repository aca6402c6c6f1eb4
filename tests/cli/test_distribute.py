"""The command `ceas-distribute`: files of others run, or end in one clear line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qiskit import qasm3
from qiskit_aer import AerSimulator

from ceas_ray.cli import distribute
from ceas_ray.cli.distribute import main
from ceas_ray.distribution.packed_distributor import PackedDistributor
from ceas_ray.kernel.input_file import InputFile
from ceas_ray.quantum.qiskit_import import read_openqasm
from tests.distribution.circuits import state_of

QASM3, QASM2 = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n', 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
GHZ = QASM3 + "qubit[4] q;\nbit[4] c;\nh q[0];\ncx q[0], q[1];\ncx q[1], q[2];\ncx q[2], q[3];\nc = measure q;\n"
GOOD = {
    "ghz": QASM3 + "qubit[4] q;\nh q[0];\ncx q[0], q[1];\ncx q[1], q[2];\ncx q[2], q[3];\n",
    "comment first": "// of mine\n/* and\nmore */ " + QASM3 + "qubit[4] q;\ncz q[0], q[3];\n",
    "no version": 'include "stdgates.inc";\nqubit[4] q;\ncz q[0], q[3];\n',
    "version without minor": 'OPENQASM 3;\ninclude "stdgates.inc";\nqubit[4] q;\ncz q[0], q[3];\n',
    "own gate": QASM3 + "gate two(a) x, y { rx(a) x; cx x, y; }\nqubit[4] q;\ntwo(0.1) q[0], q[2];\n",
    "modifiers": QASM3 + "qubit[4] q;\nctrl @ x q[0], q[1];\ninv @ s q[1];\nctrl @ rz(0.2) q[2], q[3];\n",
    "broadcast": QASM3 + "qubit[2] a;\nqubit[2] b;\nh a;\ncx a, b;\n",
    "alias": QASM3 + "qubit[4] q;\nlet part = q[0:1];\ncx part[0], part[1];\ncx part[0], q[3];\n",
    "arithmetic": QASM3 + "qubit[4] q;\nrz(2 * pi / 4) q[3];\ncp(pi / 2) q[0], q[3];\n",
    "barrier and delay": QASM3 + "qubit[4] q;\nbarrier q;\ndelay[10ns] q[0];\ncx q[0], q[3];\nbarrier q[0];\n",
    "one qubit": QASM3 + "qubit q;\nh q;\n",
    "nothing": QASM3 + "qubit[3] q;\n",
    "toffoli": QASM3 + "qubit[4] q;\nccx q[0], q[1], q[3];\ncswap q[0], q[2], q[3];\n",
    "swaps": QASM3 + "qubit[4] q;\nbit[4] c;\nh q[0];\nswap q[0], q[3];\ncx q[3], q[1];\nc = measure q;\n",
    "phase": QASM3 + "qubit[4] q;\ngphase(0.3);\ncx q[0], q[2];\n",
    "qasm 2": QASM2 + "qreg q[4];\ncreg c[4];\nh q[0];\ncx q[0], q[3];\nmeasure q -> c;\n",
    "qasm 2 legacy": QASM2 + "qreg q[4];\ncu1(pi/4) q[0],q[3];\nu3(0.1,0.2,0.3) q[1];\n"
    "crz(0.3) q[1],q[2];\nrzz(0.1) q[0],q[1];\n",
    "qasm 2 own gate": QASM2 + "gate mine(a) x,y { rx(a/2) x; cx x,y; }\nqreg q[4];\nmine(0.4) q[0],q[3];\n",
    "qasm 2 two registers": QASM2 + "qreg a[2];\nqreg b[2];\ncx a,b;\nbarrier a,b;\n",
    "qasm 2 arithmetic": QASM2 + "qreg q[4];\nrx(sin(pi/3)^2) q[0];\ncx q[0],q[1];\nid q[2];\n",
    "windows lines": (QASM3 + "qubit[4] q;\ncx q[0], q[3];\n").replace("\n", "\r\n"),
    "reset at the start": QASM3 + "qubit[4] q;\nreset q;\nh q[0];\ncx q[0], q[3];\n",
}  # fmt: skip
BAD = {
    "empty": ("", "circuit"),
    "prose": ("hello", "OpenQASM 3"),
    "semicolon": (QASM3 + "qubit[2] q\nh q[0];\n", "OpenQASM 3"),
    "unknown gate": (QASM3 + "qubit[2] q;\nmystery q[0];\n", "mystery"),
    "no include": ("OPENQASM 3.0;\nqubit[2] q;\nh q[0];\n", "'h' is not defined"),
    "other include": (QASM3 + 'include "mine.inc";\n', "include|imports"),
    "index": (QASM3 + "qubit[2] q;\nh q[5];\n", "range"),
    "undefined": (QASM3 + "qubit[2] q;\nh r[0];\n", "'r'"),
    "twice": (QASM3 + "qubit[2] q;\ncx q[0], q[0];\n", "duplicate"),
    "parameter": (QASM3 + "input float theta;\nqubit[2] q;\nrx(theta) q[0];\n", "theta"),
    "mid-circuit": (QASM3 + "qubit[2] q;\nbit c;\nc = measure q[0];\nh q[0];\n", r"h after the one of q\[0\]"),
    "reset": (QASM3 + "qubit[2] q;\nh q[0];\nreset q[0];\n", "reset"),
    "condition": (QASM3 + "qubit[2] q;\nbit c;\nc = measure q[0];\nif (c) { x q[1]; }\n", "if_else|measurements"),
    "while": (QASM3 + "qubit[2] q;\nbit c;\nwhile (c) { x q[1]; }\n", "while"),
    "subroutine": (QASM3 + "qubit[2] q;\ndef f(qubit a) { h a; }\nf(q[0]);\n", "Subroutine"),
    "version": ("OPENQASM 4.0;\nqubit q;\n", "version 4"),
    "control character": (QASM3 + "qubit[2] q;\n\x01 h q[0];\n", "OpenQASM 3"),
    "division by zero": (QASM3 + "qubit[2] q;\nrx(1/0) q[0];\n", "zero"),
    "infinite": (QASM2 + "qreg q[2];\nrx(1e999) q[0];\n", "finite|nfinity|range"),
    "huge register": (QASM3 + "qubit[100000000] q;\n", "1,000"),
    "no qubits": (QASM3 + "bit[2] c;\n", "1 to 1,000 qubits"),
    "too many for the network": (QASM3 + "qubit[5] q;\ncx q[0], q[4];\n", "room for 4"),
    "bracket": (QASM3 + "qubit[2 q;\n", "OpenQASM 3"),
    "nested": (QASM3 + "qubit[2] q;\nrx(" + "(" * 500 + "1" + ")" * 500 + ") q[0];\n", "OpenQASM 3|recursion"),
    "qasm 2 undefined": (QASM2 + "qreg q[2];\nfoo q[0];\n", "foo"),
    "qasm 2 index": (QASM2 + "qreg q[2];\nh q[9];\n", "out-of-range"),
    "qasm 2 opaque": (QASM2 + "opaque foo a;\nqreg q[2];\nfoo q[0];\n", "foo"),
    "qasm 2 condition": (QASM2 + "qreg q[2];\ncreg c[1];\nif (c == 1) x q[0];\n", "if_else|x"),
    "qasm 2 missing include": ('OPENQASM 2.0;\ninclude "nothere.inc";\nqreg q[2];\n', "nothere.inc"),
    "qasm 2 semicolon": (QASM2 + "qreg q[2]\nh q[0];\n", "OpenQASM 2"),
}
GRAPHML = """<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="k" for="node" attr.name="qubits" attr.type="int"/>
<graph edgedefault="undirected">{}</graph></graphml>"""


@pytest.fixture(autouse=True)
def _short_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(distribute.DISTRIBUTORS, "packed", PackedDistributor(starts=2, steps_per_start=1_000))


def network(folder: Path, capacities: dict[str, str | None], edges: list[tuple[str, str]]) -> str:
    nodes = "".join(
        f'<node id="{name}">' + ("" if qubits is None else f'<data key="k">{qubits}</data>') + "</node>"
        for name, qubits in capacities.items()
    )
    links = "".join(f'<edge source="{a}" target="{b}"/>' for a, b in edges)
    file = folder / "network.graphml"
    file.write_text(GRAPHML.format(nodes + links))
    return str(file)


def circuit(folder: Path, text: str) -> str:
    file = folder / "circuit.qasm"
    file.write_text(text, newline="")
    return str(file)


def pair(folder: Path) -> str:
    return network(folder, {"Delft": "2", "Den Haag": "2", "hub": None}, [("Delft", "hub"), ("hub", "Den Haag")])


@pytest.mark.parametrize("name", GOOD)
def test_programs_of_others_are_distributed(name: str, tmp_path: Path, capsys: Any) -> None:
    assert main([circuit(tmp_path, GOOD[name]), pair(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["pairs"] >= 0
    assert found["depth"] >= 0
    assert set(found["memories"]) == {"Delft", "Den Haag", "hub"}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_program_ends_in_one_line_that_says_why(name: str, tmp_path: Path, capsys: Any) -> None:
    text, said = BAD[name]
    assert main([circuit(tmp_path, text), pair(tmp_path), "--json"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert re.search(said, err), err


@pytest.mark.parametrize(
    ("capacities", "edges", "said"),
    [
        ({"a": "2", "b": "two"}, [("a", "b")], "the qubits of b must be a whole number"),
        ({"a": "2", "b": "-1"}, [("a", "b")], "the qubits of b must be a whole number"),
        ({"a": None, "b": None}, [("a", "b")], "attribute qubits"),
        ({"a": "2", "b": "2"}, [], "reachable"),
        ({"a": "1", "b": "2"}, [("a", "b")], "room for 3 qubits"),
        ({f"n{k}": "1" for k in range(13)}, [("n0", f"n{k}") for k in range(1, 13)], "1 to 12"),
    ],
)
def test_networks_that_cannot_be_end_in_one_line(
    capacities: dict[str, str | None], edges: list[tuple[str, str]], said: str, tmp_path: Path, capsys: Any
) -> None:
    assert main([circuit(tmp_path, GOOD["ghz"]), network(tmp_path, capacities, edges)]) == 2
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert said in err


def test_files_that_are_not_there_or_cannot_be_written_end_in_one_line(tmp_path: Path, capsys: Any) -> None:
    ghz, nodes, itself = circuit(tmp_path, GOOD["ghz"]), pair(tmp_path), tmp_path / "itself.qasm"
    itself.write_text('OPENQASM 2.0;\ninclude "itself.qasm";\nqreg q[2];\n')
    for words, key in (
        (["nothere.qasm", nodes], "circuit must be an existing file"),
        ([ghz, "nothere.graphml"], "network must be an existing file"),
        ([ghz, ghz], "network"),
        ([ghz, nodes, "--draw", "picture"], "--draw must be a file that ends in"),
        ([ghz, nodes, "--openqasm", str(tmp_path / "no" / "folder.qasm")], "--openqasm"),
        ([ghz, nodes, "--openqasm", ""], "--openqasm must be the path of a file to write, got ''"),
        ([ghz, nodes, "--draw", ""], "--draw must be the path of a file to write, got ''"),
        ([str(itself), nodes], "itself.qasm includes itself"),
        (["\0.qasm", nodes], "circuit must be a path without the character NUL"),
    ):
        assert main(words) == 2
        err = capsys.readouterr().err
        assert len(err.splitlines()) == 1
        assert key in err


@pytest.mark.parametrize("distributor", ["packed", "fewest_gates", "static"])
@pytest.mark.parametrize("name", ["ghz", "toffoli", "swaps", "qasm 2 legacy"])
def test_the_distributed_program_does_what_the_circuit_does(name: str, distributor: str, tmp_path: Path) -> None:
    """Its registers are those of nodes; run by Aer, with its measurements and corrections."""
    source, made = circuit(tmp_path, GOOD[name]), tmp_path / "made.qasm"
    words = [source, pair(tmp_path), "--distributor", distributor, "--openqasm", str(made)]
    assert main(words) == 0
    program = qasm3.load(str(made))
    read = read_openqasm(InputFile.read(source))
    wanted = state_of(read.qubits, list(read.gates))
    if read.measured:
        counts = AerSimulator(seed_simulator=1).run(program, shots=4000).result().get_counts()
        chances = np.zeros(2**read.bits)
        for index, amplitude in enumerate(wanted):
            chances[sum((index >> q & 1) << bit for q, bit in read.measured)] += abs(amplitude) ** 2
        found = np.zeros(2**read.bits)
        for bits, count in counts.items():
            found[int(bits.split()[-1], 2)] += count / 4000
        assert np.max(np.abs(found - chances)) < 0.05
        return
    program.save_statevector()
    amplitudes = np.asarray(AerSimulator(seed_simulator=1).run(program, shots=1).result().get_statevector())
    kept = amplitudes[np.abs(amplitudes) > 1e-9]
    assert sorted(np.round(np.abs(kept), 9)) == sorted(np.round(np.abs(wanted[np.abs(wanted) > 1e-9]), 9))


def test_the_cost_is_told_in_words_and_drawn(tmp_path: Path, capsys: Any) -> None:
    picture = tmp_path / "picture.svg"
    assert main([circuit(tmp_path, GHZ), pair(tmp_path), "--draw", str(picture)]) == 0
    out = capsys.readouterr().out
    assert "1 Bell pairs" in out or "2 Bell pairs" in out
    assert "Delft - hub" in out or "hub - Delft" in out
    assert "Den Haag" in picture.read_text() or picture.stat().st_size > 1000


def test_a_program_is_distributed_the_same_way_each_time(tmp_path: Path, capsys: Any) -> None:
    words = [circuit(tmp_path, GOOD["toffoli"]), pair(tmp_path), "--json"]
    assert main(words) == main(words) == 0
    once, again = capsys.readouterr().out.splitlines()
    assert once == again
