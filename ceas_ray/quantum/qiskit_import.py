"""OpenQASM 2 and 3 and Qiskit circuits as lists of gates. Qiskit is imported when it is called."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.input_file import InputFile
from ceas_ray.quantum.gate_list import NEGLIGIBLE, ControlledPhase, Gate, GateList, LocalGate
from ceas_ray.quantum.openqasm_limits import refuse_large, with_included, without_comments

MAX_QUBITS = 1_000
MAX_GATES = 400_000
MAX_BYTES = 2**21
"""Larger programs take the importer of OpenQASM 3 many minutes."""

_VERSION = re.compile(r"\A(?:\s|//[^\n]*\n|/\*.*?\*/)*OPENQASM\s+(\d+)(?:\.\d+)?\s*;", re.DOTALL)
_FOR_NUMBERS = re.compile(r"\b(?:const|for)\b")
_ROTATIONS = {"RXXGate": "HGate", "RYYGate": "SXGate"}
"""Two-qubit rotations that are RZZ between these gates on both qubits."""


def read_openqasm(file: InputFile) -> GateList:
    """Read a program of OpenQASM 2 or 3 (3 if it does not say). Raises ValueError for what is wrong with it."""
    try:
        return from_qiskit(parsed_openqasm(file))
    except ValueError as error:
        raise ValueError(f"{file.path}: {error}") from None


def from_qiskit(circuit: Any) -> GateList:
    """Return the gates of a `QuantumCircuit` without free parameters.

    Measurements must come last on their qubit. Raises ValueError, which names the gate or the parameter, for any other
    circuit.
    """
    if circuit.parameters:
        names = ", ".join(parameter.name for parameter in list(circuit.parameters)[:3])
        raise ValueError(f"all parameters must have values, got none for {names}")
    if not 1 <= circuit.num_qubits <= MAX_QUBITS:
        raise ValueError(f"a circuit must have 1 to {MAX_QUBITS:,} qubits, got {circuit.num_qubits}")
    gates = _Compiler(circuit)
    gates.append_all(circuit, list(range(circuit.num_qubits)), list(range(circuit.num_clbits)))
    measured = tuple((qubit, bit) for bit, qubit in sorted(gates.qubit_of_bit.items()))
    return GateList(circuit.num_qubits, tuple(gates.found), tuple(gates.wire), measured, circuit.num_clbits)


def parsed_openqasm(file: InputFile) -> Any:
    """Return a program of OpenQASM 2 or 3 as a `QuantumCircuit`. Raises ValueError for what is wrong with it."""
    from qiskit import qasm2, qasm3

    if len(file.content) > MAX_BYTES:
        raise ValueError(f"a program must have at most {MAX_BYTES // 2**20} MB, got {len(file.content):,} bytes")
    try:
        text = file.content.decode("utf-8-sig")  # editors of Windows put a mark at the begin
    except UnicodeDecodeError:
        raise ValueError("a program must be text in UTF-8") from None
    statements = without_comments(text)
    if not statements.strip():
        raise ValueError("a program must have statements, got none")
    said = _VERSION.match(text)
    version = int(said[1]) if said else 3
    if version not in (2, 3):
        raise ValueError(f"a program must be OpenQASM 2 or 3, got version {version}")
    refuse_large(statements if version == 3 else with_included(statements, Path(file.path), MAX_BYTES), MAX_QUBITS)
    complaints = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaints):  # the parser prints
            if version == 3 and _FOR_NUMBERS.search(statements):
                from qiskit_qasm3_import import convert

                from ceas_ray.quantum.openqasm_constants import program_with_numbers

                return convert(program_with_numbers(text, MAX_QUBITS))
            if version == 3:
                return qasm3.loads(text)
            own = set(re.findall(r"\bgate\s+(\w+)", text))
            known = [gate for gate in qasm2.LEGACY_CUSTOM_INSTRUCTIONS if gate.name not in own]
            return qasm2.loads(text, include_path=(str(Path(file.path).parent),), custom_instructions=known)
    except Exception as error:  # the importers raise whatever went wrong within them
        raise ValueError(f"this cannot be read as OpenQASM {version}: {_reason(error, complaints)}") from None


def _reason(error: Exception, complaints: io.StringIO) -> str:
    """Say in one line what an importer did not like, and where if it says so."""
    said = " ".join((str(error) or complaints.getvalue()).split()).strip("'\" ")
    at: BaseException | None = error
    token = None
    while at is not None and token is None:
        token = next((found for part in (at, *at.args) if (found := getattr(part, "offendingToken", None))), None)
        at = at.__cause__ or at.__context__
    if not said and token is not None:
        said = f"syntax error in line {token.line} at {token.text!r}"
    if said == "index must be int, slice or list":
        said = "the index of a qubit must be a number, got a variable, as of a loop"
    if said == "index out of range":
        said = "the index of a qubit or bit is out of the range of its register"
    if isinstance(error, RecursionError):
        said = "its expressions or blocks are nested too deeply"
    lacking = re.match(r"(\w+?)(?:Gate)?\.__init__\(\) missing .*argument", said)
    if lacking:
        said = f"the gate {lacking[1].lower()} lacks an angle"
    said = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in said)
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
    return said[:300] or name


class _Compiler:
    """Compiles a circuit, and holds the gates found so far; `wire` says where each of the circuit's qubits is, after
    swaps.
    """

    def __init__(self, circuit: Any) -> None:
        self.found: list[Gate] = []
        self.steps = 0
        self.wire = list(range(circuit.num_qubits))
        self.names = [qubit_name(circuit, bit) for bit in circuit.qubits]
        self.qubit_of_bit: dict[int, int] = {}
        self.touched: set[int] = set()

    def append_all(self, circuit: Any, qubits: list[int], bits: list[int]) -> None:
        """Append a circuit whose qubits and bits are these of the outermost one."""
        for step in circuit.data:
            self._count()
            at = [qubits[circuit.find_bit(qubit).index] for qubit in step.qubits]
            into = [bits[circuit.find_bit(bit).index] for bit in step.clbits]
            self._append(step.operation, at, into)

    def _append(self, operation: Any, at: list[int], into: list[int]) -> None:
        kind = operation.base_class.__name__  # not its name: a program may define gates with any
        if kind in ("Barrier", "Delay"):
            return
        if kind == "ForLoopOp":
            self._unroll(operation, at, into)
            return
        after = [q for q in at if self.wire[q] in self.qubit_of_bit.values()]
        if after and kind != "Reset":
            got = f"{operation.name} after the one of {self.names[after[0]]}"
            raise ValueError(f"measurements must come last, got {got}")
        if kind == "Measure":
            self.qubit_of_bit[into[0]] = self.wire[at[0]]
        elif kind == "SwapGate":
            self.wire[at[0]], self.wire[at[1]] = self.wire[at[1]], self.wire[at[0]]
        elif at and not (kind == "Reset" and self.wire[at[0]] not in self.touched):  # a global phase has no qubit
            self._gate(operation, at, into)

    def _gate(self, operation: Any, at: list[int], into: list[int]) -> None:
        """Append a gate by its matrix if it takes one controlled phase at most, else by its definition."""
        if not all(np.isfinite(value) for value in operation.params if isinstance(value, int | float)):
            raise ValueError(f"gates must have finite angles, got {operation.name} on {self.names[at[0]]}")
        matrix = matrix_of(operation) if len(at) <= 2 and not into else None
        if matrix is None or not np.all(np.isfinite(matrix)):
            self._expand(operation, at, into)
        elif len(at) == 1:
            self._local(at[0], matrix)
        elif not self._two_qubits(operation, matrix, at):
            self._expand(operation, at, into)

    def _local(self, qubit: int, matrix: NDArray[np.complex128]) -> None:
        self.touched.add(self.wire[qubit])
        self._add(LocalGate(self.wire[qubit], matrix))

    def _add(self, gate: Gate) -> None:
        self._count()
        self.found.append(gate)

    def _count(self) -> None:
        self.steps += 1
        if self.steps > MAX_GATES:
            raise ValueError(f"a circuit must have at most {MAX_GATES:,} gates, loops unrolled, got more")

    def _unroll(self, loop: Any, at: list[int], into: list[int]) -> None:
        values, parameter, body = loop.params
        for value in values:
            self._count()
            bound = body if parameter is None else body.assign_parameters({parameter: value}, strict=False)
            self.append_all(bound, at, into)

    def _expand(self, operation: Any, at: list[int], into: list[int]) -> None:
        definition = definition_of(operation)
        if definition is None:
            raise ValueError(f"gates must be unitary, got {operation.name} on {self.names[at[0]]}")
        self.append_all(definition, at, into)

    def _two_qubits(self, operation: Any, matrix: NDArray[np.complex128], at: list[int]) -> bool:
        """Append the gate if it takes one controlled phase."""
        if operation.base_class.__name__ in _ROTATIONS:
            from qiskit.circuit import library

            around = getattr(library, _ROTATIONS[operation.base_class.__name__])()
            for gate in (around.inverse(), library.RZZGate(*operation.params), around):
                for qubits in [at] if gate.num_qubits == 2 else [[qubit] for qubit in at]:
                    self._append(gate, qubits, [])
            return True
        tensor = matrix.reshape(2, 2, 2, 2)  # second first second first
        for control, blocks in ((0, tensor.transpose(1, 3, 0, 2)), (1, tensor.transpose(0, 2, 1, 3))):
            if np.max(np.abs(blocks[[0, 1], [1, 0]])) < NEGLIGIBLE:
                self._controlled(at[control], at[1 - control], blocks[0, 0], blocks[1, 1])
                return True
        return False

    def _controlled(self, control: int, target: int, if_zero: Any, if_one: Any) -> None:
        """Append the gate that does one of two matrices (2, 2) on the target: a controlled phase and local gates."""
        self._local(target, if_zero)
        values, vectors = eigen_decomposition(if_one @ if_zero.conj().T)
        self._local(target, vectors.conj().T)
        self.touched.add(self.wire[control])
        angle = float(np.angle(values[1] / values[0]))
        self._add(ControlledPhase(self.wire[control], self.wire[target], angle))
        self._local(target, vectors)
        self._local(control, np.diag([1, values[0]]))


def eigen_decomposition(unitary: NDArray[np.complex128]) -> tuple[Any, Any]:
    """Return eigenvalues (2,), the one nearest to 1 first, and eigenvectors as columns (2, 2) of a unitary (2, 2).

    A diagonal matrix has the eigenvectors |0> and |1>; the first entry of each that is not 0 is real and positive.
    """
    if max(abs(unitary[0, 1]), abs(unitary[1, 0])) < NEGLIGIBLE:
        return np.diag(unitary), np.eye(2, dtype=np.complex128)
    half_trace, half_difference = (unitary[0, 0] + unitary[1, 1]) / 2, (unitary[0, 0] - unitary[1, 1]) / 2
    root = np.sqrt(half_difference**2 + unitary[0, 1] * unitary[1, 0])
    values = np.array(sorted((half_trace + root, half_trace - root), key=lambda value: abs(value - 1)))
    first = np.array([unitary[0, 1], values[0] - unitary[0, 0]])
    first = first / np.linalg.norm(first) * np.exp(-1j * np.angle(first[0]))
    second = np.array([abs(first[1]), -first[0].real * np.exp(1j * np.angle(first[1]))])
    return values, np.stack([first, second], axis=1)


def definition_of(operation: Any) -> Any:
    """Return the circuit that an operation stands for; None if it is not unitary. Qiskit defines no permutation."""
    if operation.name == "permutation":
        from qiskit.synthesis import synth_permutation_basic

        return synth_permutation_basic(operation.pattern)
    return None if hasattr(operation, "blocks") else getattr(operation, "definition", None)


def matrix_of(operation: Any) -> NDArray[np.complex128] | None:
    """Return the matrix of a gate if Qiskit has one, else None."""
    from qiskit.circuit.exceptions import CircuitError

    try:
        return np.asarray(operation.to_matrix(), dtype=np.complex128)
    except (AttributeError, CircuitError):
        return None


def qubit_name(circuit: Any, bit: Any) -> str:
    """Return the name of a qubit in a `QuantumCircuit`."""
    place = circuit.find_bit(bit)
    return f"{place.registers[0][0].name}[{place.registers[0][1]}]" if place.registers else f"qubit {place.index}"
