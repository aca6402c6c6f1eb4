"""The code of this package that decides results, found from what building and running a world imports."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache
from hashlib import blake2b
from pathlib import Path

from ceas_ray.kernel.windows import Simulation
from ceas_ray.runs.results import Results
from ceas_ray.world.builder import build_world

PACKAGE = "ceas_ray"
_ROOTS = (build_world.__module__, Simulation.__module__, Results.__module__)
"""What builds a world, runs it, and sums it up. Runtimes and tracking change no result: that is a law with tests."""


def code_version(targets: Iterable[str]) -> str:
    """Return a hash of the sources that decide the results of a run.

    targets: the classes that its settings name, as `package.module.Name`; those of other packages are inputs of the
    run and count there.
    """
    own = sorted({target.rpartition(".")[0] for target in targets if target.startswith(f"{PACKAGE}.")})
    return _hash_of(tuple(own))


@cache
def _hash_of(modules: tuple[str, ...]) -> str:
    digest = blake2b(digest_size=8)
    for name, path in sorted(imported_modules((*_ROOTS, *modules)).items()):
        digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def imported_modules(roots: Iterable[str]) -> dict[str, Path]:
    """Return the files of all modules of this package that these modules import, directly or not, by name.

    Imports count wherever they stand: in functions, too. With a module come the packages that it lies in.
    """
    found: dict[str, Path] = {}
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in found or (path := _file_of(name)) is None:
            continue
        found[name] = path
        parents = [name.rpartition(".")[0]] if "." in name else []
        waiting += [*parents, *_imports(name, path)]
    return found


def _file_of(name: str) -> Path | None:
    """The file of a module of this package; None for a name that is no module of it."""
    first, *rest = name.split(".")
    if first != PACKAGE:
        return None
    place = Path(__file__).resolve().parent.parent.joinpath(*rest)
    files = (place / "__init__.py", place.with_name(f"{place.name}.py"))
    return next((path for path in files if path.is_file()), None)


def _imports(name: str, path: Path) -> list[str]:
    """Return what a module's source imports, by absolute name; of `from a import b` both a and a.b, module or not."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    wanted: list[str] = []
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            wanted += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            wanted += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return wanted
