"""Programs as others write them are read, or refused in one line that says why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ceas_ray.kernel.input_file import InputFile
from ceas_ray.quantum.circuit_import import read_circuit
from ceas_ray.quantum.qiskit_import import read_openqasm
from tests.quantum.files_of_others import FILES, READ, TRAINED

READERS: dict[str, Callable[[InputFile], Any]] = {
    READ: read_openqasm,
    TRAINED: lambda file: read_circuit(file, max_qubits=10),
}


def outcome(reader: str, file: InputFile) -> str:
    try:
        READERS[reader](file)
    except ValueError as error:
        return str(error)
    return reader


@pytest.mark.parametrize("name", FILES)
def test_a_file_runs_or_is_refused_in_one_clear_line(name: str, tmp_path: Path) -> None:
    text, wanted = FILES[name]
    path = tmp_path / "circuit.qasm"
    path.write_bytes(text.encode())
    found = [outcome(reader, InputFile.read(str(path))) for reader in READERS]
    assert any(wanted in line for line in found), found
    for line in found:
        assert line.isprintable()
        assert 0 < len(line) < 400
        assert "Error" not in line, "a class of an exception says nothing to those who write circuits"


def test_there_are_good_and_broken_files_of_both_versions() -> None:
    kinds = Counter(("OPENQASM 2" in text, wanted in (READ, TRAINED)) for text, wanted in FILES.values())
    assert len(FILES) >= 50
    assert len(kinds) == 4
    assert min(kinds.values()) >= 10
