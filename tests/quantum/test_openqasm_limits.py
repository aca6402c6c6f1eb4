"""OpenQASM programs that would take an importer's memory or time are refused before it reads them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ceas_ray.kernel.input_file import InputFile
from ceas_ray.quantum.openqasm_limits import MAX_GATES_OF_A_DEFINITION, refuse_large
from ceas_ray.quantum.qiskit_import import read_openqasm


def nested(levels: int, first: str) -> str:
    """A gate that stands for two of the one before it, and so on."""
    return f"gate g0 q {{ {first} }}\n" + "".join(
        f"gate g{k} q {{ g{k - 1} q; g{k - 1} q; }}\n" for k in range(1, levels)
    )


@pytest.mark.parametrize("first", ["h q;", "", "ctrl @ inv @ h q;"])
def test_a_gate_that_stands_for_too_many_others_is_refused_by_its_name(first: str) -> None:
    refuse_large(nested(12, first), 10)
    with pytest.raises(
        ValueError, match=f"gate g12 must stand for at most {MAX_GATES_OF_A_DEFINITION:,} gates, got 4,096"
    ):
        refuse_large(nested(4_000, first), 10)


def test_gates_behind_modifiers_count_as_the_gates_that_they_modify() -> None:
    program = nested(12, "h q;") + "gate last a, b { ctrl(1) @ pow(2) @ g11 a, b; ctrl @ g0 a, b; }"
    with pytest.raises(ValueError, match="gate last must stand for at most 2,048 gates, got 2,049"):
        refuse_large(program, 10)


@pytest.mark.parametrize("size", ["11", "0xB", "1_1", "0b1011", "0011"])
@pytest.mark.parametrize("declared", ["qubit[{}] q;", "bit[{}] c;", "qreg q[{}];", "creg c [ {} ];"])
def test_a_register_is_refused_however_its_size_is_written(declared: str, size: str) -> None:
    refuse_large(declared.format(10), 10)
    with pytest.raises(ValueError, match="registers must have at most 10 qubits or bits, got 11"):
        refuse_large(declared.format(size), 10)


def test_a_size_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match=r"the size of a register must be a number, got '10000\*10000'"):
        refuse_large("qubit[10000*10000] q;", 10)


def test_an_index_is_no_size() -> None:
    refuse_large("qubit[4] q;\nbit c = measure q[99];\nfor uint i in [0:3] { h q[i]; }", 10)


@pytest.mark.parametrize(
    ("included", "line"),
    [
        (nested(40, "h q;"), "gate g12 must stand for at most"),
        ("qreg r[1000000000];\n", "registers must have at most 1,000 qubits or bits, got 1000000000"),
        ('include "outer.qasm";\n', "outer.qasm includes itself"),
        ('include "inner.inc";\n', "inner.inc includes itself"),
        ("// " + "x" * 2**21, "a file of at most 2 MB"),
    ],
)
def test_what_a_program_includes_counts_as_its_own(included: str, line: str, tmp_path: Path) -> None:
    (tmp_path / "inner.inc").write_text(included)
    outer = tmp_path / "outer.qasm"
    outer.write_text('OPENQASM 2.0;\ninclude "qelib1.inc";\ninclude "inner.inc"; // more\nqreg q[2];\nh q[0];\n')
    with pytest.raises(ValueError, match=line):
        read_openqasm(InputFile.read(str(outer)))
    (tmp_path / "inner.inc").write_text("gate mine a { h a; }\n")
    assert len(read_openqasm(InputFile.read(str(outer))).gates) == 1


@pytest.mark.parametrize("name", ["pipe", "/dev/zero", "."])
def test_a_program_that_includes_a_pipe_a_device_or_a_folder_is_refused_and_not_waited_for(
    name: str, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    outer = tmp_path / "outer.qasm"
    outer.write_text(f'OPENQASM 2.0;\ninclude "{name}";\nqreg q[2];\n')
    with pytest.raises(ValueError, match="what it includes must be a regular file, got"):
        read_openqasm(InputFile.read(str(outer)))


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "not there"])
def test_a_program_that_includes_what_cannot_be_there_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="this cannot be read as OpenQASM 2") as refused:
        read_openqasm(InputFile(str(tmp_path / "c.qasm"), f'OPENQASM 2.0;\ninclude "{name}";\n'.encode()))
    assert "\n" not in str(refused.value)
