"""The modules of this package that a module is made of: all that it imports, directly or not."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parent.parent
"""The folder of this package, which has its name."""


def imported_modules(roots: Iterable[str], package: Path = PACKAGE) -> dict[str, Path]:
    """Return the files of all modules of a package that these modules of it import, directly or not, by name.

    Imports count wherever they stand: in functions, too. With a module come the packages that it lies in.
    """
    found: dict[str, Path] = {}
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in found or (path := _file_of(name, package)) is None:
            continue
        found[name] = path
        parents = [name.rpartition(".")[0]] if "." in name else []
        waiting += [*parents, *_imports(name, path)]
    return found


def _file_of(name: str, package: Path) -> Path | None:
    """Return the file of a module of the package; None for a name that is no module of it."""
    first, *rest = name.split(".")
    if first != package.name:
        return None
    place = package.joinpath(*rest)
    files = (place / "__init__.py", place.with_name(f"{place.name}.py"))
    return next((path for path in files if path.is_file()), None)


@cache
def _imports(name: str, path: Path) -> tuple[str, ...]:
    """Return what a module's source imports, by absolute name; of `from a import b` both a and a.b, module or not."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    wanted: list[str] = []
    for node in _statements(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            wanted += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            wanted += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return tuple(wanted)


def _statements(module: ast.Module) -> Iterator[ast.stmt]:
    """Yield all statements of a module, however deep; no expression holds an import, and most nodes are expressions."""
    waiting: list[Any] = [module]
    while waiting:
        node = waiting.pop()
        for blocks in ("body", "orelse", "finalbody", "handlers", "cases"):
            waiting += getattr(node, blocks, ())
        if isinstance(node, ast.stmt):
            yield node
