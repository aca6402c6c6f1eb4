"""How Numba compiles our functions, and when it compiles them anew.

Numba keeps machine code on disk and takes it again while the file of the function is unchanged. But it also compiles
functions and constants of other modules into it, and does not see those change: what it kept would go on computing what
they were. So here kept code is out of date as soon as any module of the package has changed that its own module
imports, however indirectly.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from numba import config
from numba.core.caching import CacheImpl, InTreeCacheLocator, UserProvidedCacheLocator, UserWideCacheLocator

COMPILED: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz"},
}
"""How all compiled functions are: kept on disk, without Python's lock or checks, and the same bits on like machines."""

_PACKAGE = Path(__file__).parents[1]


class _StampedWithImports:
    """Finds the kept code of functions of this package, and stamps it with all sources that it may be made of."""

    _py_file: str

    @classmethod
    def from_function(cls, function: Any, file: str) -> Any:
        if not Path(file).is_relative_to(_PACKAGE):
            return None
        return super().from_function(function, file)  # type: ignore[misc]

    def get_source_stamp(self) -> str:
        return stamp_with_imports(Path(self._py_file), _PACKAGE)


class InChosenFolder(_StampedWithImports, UserProvidedCacheLocator):  # type: ignore[misc]
    """In the folder that NUMBA_CACHE_DIR names."""


class BesideModule(_StampedWithImports, InTreeCacheLocator):  # type: ignore[misc]
    """In the folder __pycache__ beside the module."""


class InFolderOfUser(_StampedWithImports, UserWideCacheLocator):  # type: ignore[misc]
    """In the user's cache folder."""


@cache
def stamp_with_imports(module: Path, package: Path) -> str:
    """Return a hash of the sources of a module and of all modules of the package that it imports, however indirectly.

    module: its file. package: the folder of the package, whose name is that by which it is imported.
    """
    found: set[Path] = set()
    to_read = [module]
    while to_read:
        file = to_read.pop()
        if file not in found:
            found.add(file)
            to_read.extend(_imported(file, package))
    digest = hashlib.sha256()
    for file in sorted(found):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


@cache
def _imported(module: Path, package: Path) -> tuple[Path, ...]:
    """Return the files of the package that this one imports."""
    return tuple(file for name in _names(ast.parse(module.read_bytes())) for file in _files(name, package))


def _names(tree: ast.Module) -> Iterator[str]:
    """Yield the dotted names that a module imports; of `from a import b` both a and a.b, since b may be a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _files(name: str, package: Path) -> Iterator[Path]:
    first, *rest = name.split(".")
    if first == package.name:
        stem = package.joinpath(*rest)
        yield from (file for file in (stem.with_suffix(".py"), stem / "__init__.py") if file.is_file())


_OURS = [f"{__name__}.{locator.__name__}" for locator in (InChosenFolder, BesideModule, InFolderOfUser)]
_OF_NUMBA = [locator.__name__ for locator in CacheImpl._locator_classes]
config.CACHE_LOCATOR_CLASSES = ",".join([*_OURS, *_OF_NUMBA])
