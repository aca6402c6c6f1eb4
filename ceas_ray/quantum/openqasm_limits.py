"""Limits of OpenQASM programs that are checked before an importer reads them: it would take memory and time first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ceas_ray.kernel.input_file import InputFile

MAX_GATES_OF_A_DEFINITION = 2_048
"""Importers hold every gate within a defined one as an object with a definition of its own."""
_REGISTER = re.compile(r"\b(?:qreg|creg)\s+\w+\s*\[([^\]]*)\]|\b(?:qubit|bit)\s*\[([^\]]*)\]")
_DEFINITION = re.compile(r"\bgate\s+(\w+)[^{};]*\{([^{}]*)\}")
_CONSTANT = re.compile(r"\bconst\s+\w+\s*(?:\[[^\]]*\])?\s*([A-Za-z_]\w*)\s*=")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_INCLUDE = re.compile(r'\binclude\s*"([^"]*)"\s*;')
_NAME = re.compile(r"\s*([A-Za-z_]\w*)")


def without_comments(program: str) -> str:
    """Return the program with a blank for each comment."""
    return _COMMENT.sub(" ", program)


def with_included(program: str, path: Path, max_bytes: int, within: tuple[Path, ...] = ()) -> str:
    """Return a program of OpenQASM 2, without its comments, with the files beside `path` that it includes.

    Files that are not there are left to the importer. Raises ValueError for a file that includes itself, for one that
    is no regular file, which the importer would wait for, and for more than `max_bytes` in all.
    """
    parts, end = [], 0
    for found in _INCLUDE.finditer(program):
        included = path.parent / found[1]
        if found[1] == "qelib1.inc" or not _is_there(included):
            continue
        if included in within or included == path:
            raise ValueError(f"{found[1]} includes itself")
        try:
            text = without_comments(InputFile.read(str(included), max_bytes).content.decode("utf-8", "replace"))
        except ValueError as error:
            raise ValueError(f"what it includes must be {error}, got {found[1]!r}") from None
        parts += [program[end : found.start()], with_included(text, included, max_bytes, (*within, path))]
        end = found.end()
        if sum(map(len, parts)) > max_bytes:
            raise ValueError(f"a program and what it includes must have at most {max_bytes // 2**20} MB")
    return "".join([*parts, program[end:]])


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except (OSError, ValueError):
        return False
    return True


def refuse_large(program: str, max_register: int) -> None:
    """Raise ValueError for a program, without its comments, with a register of over `max_register` qubits or bits, or
    with a gate that stands for too many others. Sizes with constants in them are left to who knows their values.
    """
    constants = {*_CONSTANT.findall(program)}
    for found in _REGISTER.finditer(program):
        size = (found[1] or found[2] or "").strip()
        if size and constants.isdisjoint(re.findall(r"\w+", size)) and _number(size) > max_register:
            raise ValueError(f"registers must have at most {max_register:,} qubits or bits, got {_number(size)}")
    stands_for: dict[str, int] = {}
    for name, body in _DEFINITION.findall(program):
        gates = stands_for[name] = max(1, sum(stands_for.get(called, 1) for called in _called(body)))
        if gates > MAX_GATES_OF_A_DEFINITION:
            raise ValueError(f"gate {name} must stand for at most {MAX_GATES_OF_A_DEFINITION:,} gates, got {gates:,}")


def _number(size: str) -> int:
    digits = size.replace("_", "")
    try:
        return int(digits) if digits.isdecimal() else int(digits, 0)
    except ValueError:
        raise ValueError(f"the size of a register must be a number, got {size[:40]!r}") from None


def _called(body: str) -> Iterator[str]:
    """Yield the name of the gate in each statement, behind its modifiers."""
    for statement in body.split(";"):
        named = _NAME.match(statement.rpartition("@")[2])
        if named is not None:
            yield named[1]
