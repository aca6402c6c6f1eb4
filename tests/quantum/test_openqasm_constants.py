"""Constants and loop variables of OpenQASM 3 are numbers wherever they stand, indices and sizes included."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.kernel.input_file import InputFile
from ceas_ray.quantum.qiskit_import import parsed_openqasm, read_openqasm

HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'


def read(program: str) -> list[tuple[str, list[float], list[int]]]:
    """The instructions of a program: names, angles and qubits."""
    circuit = parsed_openqasm(InputFile("mine.qasm", (HEAD + program).encode()))
    return [
        (step.operation.name, [float(angle) for angle in step.params], [circuit.find_bit(q).index for q in step.qubits])
        for step in circuit.data
    ]


@pytest.mark.parametrize(
    ("program", "same"),
    [
        (
            "const int[32] n = 4; qubit[n] q; for uint i in [0:n - 2] { cx q[i], q[i + 1]; }",
            "qubit[4] q; cx q[0], q[1]; cx q[1], q[2]; cx q[2], q[3];",
        ),
        (
            "const uint n = 3; qubit[n] q; for uint i in [0:n-1] { for uint j in [i+1:n-1] "
            "{ cp(pi / 2 ** (j - i)) q[i], q[j]; } h q[i]; }",
            "qubit[3] q; cp(pi/2) q[0], q[1]; cp(pi/4) q[0], q[2]; h q[0]; cp(pi/2) q[1], q[2]; h q[1]; h q[2];",
        ),
        ("qubit[5] q; for int i in {4, 0} { rx(pi * i) q[i]; }", "qubit[5] q; rx(pi*4) q[4]; rx(0.0) q[0];"),
        ("qubit[3] q; for int i in [2:-1:0] { x q[i]; }", "qubit[3] q; x q[2]; x q[1]; x q[0];"),
        ("qubit[4] q; for int i in [0:1] { const int k = 2 * i; x q[k]; }", "qubit[4] q; x q[0]; x q[2];"),
        ("const int k = 1; qubit[4] q; h q[0:k]; x q[{k, 3}];", "qubit[4] q; h q[0]; h q[1]; x q[1]; x q[3];"),
        ("const float a = pi / 4; const angle b = sin(2 * a); qubit q; ry(b - a) q;", "qubit q; ry(1 - pi/4) q;"),
        ("const int k = 2; qubit[3] q; ctrl(k) @ x q[0], q[1], q[2];", "qubit[3] q; ccx q[0], q[1], q[2];"),
        ("const int a = -7 / 2; const int b = 7 % 4; qubit[4] q; rx(a) q[b];", "qubit[4] q; rx(-3) q[3];"),
    ],
)  # fmt: skip
def test_a_program_with_constants_is_the_one_with_their_numbers(program: str, same: str) -> None:
    found, wanted = read(program), read(same)
    assert [(name, qubits) for name, _, qubits in found] == [(name, qubits) for name, _, qubits in wanted]
    for (_, angles, _), (_, expected, _) in zip(found, wanted, strict=True):
        np.testing.assert_allclose(angles, expected, rtol=0, atol=1e-15)


def test_what_a_gate_calls_its_own_is_no_constant() -> None:
    found = read("const float t = 1.5; qubit[2] q; gate g(t) a { rx(t) a; } g(0.25) q[0]; g(t) q[1];")
    assert found == [("g", [0.25], [0]), ("g", [1.5], [1])]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "line"),
    [
        ("qubit[4] q; for int i in [0:1000000000000] { x q[i]; }", "loops must unroll to at most 100,000 statements"),
        ("const int n = 9 ** 9 ** 9; qubit[n] q;", "the power is too large"),
        ("const int n = 1 / 0; qubit[n] q;", "a constant in line 3 has no value"),
        ("const int n = 1.5; qubit[n] q;", "const n must be an integer, got 1.5"),
        ("input float theta_0; const float n = theta_0; qubit q;", "const n must be a number, made of numbers"),
        ("const bool n = true; qubit q;", "const n must be an int, uint, float or angle"),
        ("const int n = -3; qubit[n] q;", "the size of a register must be a positive integer, in line 3"),
        ("const int n = 1000 * 1000; qubit[n] q;", "registers must have at most 1,000 qubits or bits, got 1000000"),
        ("const int n = 2000; bit[n] c;", "registers must have at most 1,000 qubits or bits, got 2000"),
        ("const int n = 2; qubit[n] q; x q[n];", "the index of a qubit or bit is out of the range"),
        ("qubit[2] q; for int i in [0:5] { x q[i]; break; }", "loops must run to their end, got break or continue"),
        ("qubit[2] q; for int i in [0:0:5] { x q[i]; }", "the step of a loop must not be 0, in line 3"),
        ("qubit[2] q; for int i in [0:0.5] { x q[i]; }", "a loop must run over constant integers"),
        ("qubit q; gate g a { for int i in [0:3] { x a; } } g q;", "gate g must have no loop in its definition"),
        ("const int q = 2; qubit[2] q;", "q is the name of a constant, and is declared again"),
        ("const float pi = 3.0; qubit q;", "pi is the name of a constant, and is declared again"),
    ],
)
def test_what_is_no_constant_is_one_line(program: str, line: str) -> None:
    with pytest.raises(ValueError) as refused:
        read_openqasm(InputFile("mine.qasm", (HEAD + program).encode()))
    assert line in str(refused.value)
    assert "\n" not in str(refused.value)
