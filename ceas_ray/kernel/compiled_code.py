"""How Numba compiles our functions, and when it compiles them anew.

Numba keeps machine code on disk and takes it again while the file of the function is unchanged. But it also compiles
functions and constants of other modules into it, and does not see those change: what it kept would go on computing what
they were. So here kept code is out of date as soon as any module of the package has changed that its own module
imports, however indirectly. And no damage to what is kept ends a run: code that cannot be read is compiled anew, and
code that cannot be written is not kept. Both hold for what is compiled with the `njit` of this module.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba import config
from numba.core.caching import (
    CacheImpl,
    FunctionCache,
    InTreeCacheLocator,
    NullCache,
    UserProvidedCacheLocator,
    UserWideCacheLocator,
)

from ceas_ray.kernel.imported_modules import PACKAGE, imported_modules

__all__ = ["COMPILED", "COMPILED_ALONE", "COMPILED_INLINE", "COMPILED_PART", "njit"]

COMPILED: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz"},
}
"""How all compiled functions are: kept on disk, without Python's lock or checks, and the same bits on like machines."""
COMPILED_PART: dict[str, Any] = {
    **{name: value for name, value in COMPILED.items() if name != "cache"},
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
"""How those are that only compiled functions call: they are compiled into these and kept with them. They have no entry
from Python (calling one there crashes the process), which saves half of their compilation."""
COMPILED_INLINE: dict[str, Any] = COMPILED_PART | {"forceinline": True}
"""How small ones of these are that are called so often that the call itself would take a good part of the time."""
COMPILED_ALONE: dict[str, Any] = COMPILED_PART | {"cache": True}
"""How a large one of these is whose machine code is kept by itself, and called where it is (`links.engine.records`)."""


class _StampedWithImports:
    """Finds the kept code of functions of this package, and stamps it with all sources that it may be made of."""

    _py_file: str

    @classmethod
    def from_function(cls, function: Any, file: str) -> Any:
        if not Path(file).is_relative_to(PACKAGE):
            return None
        return super().from_function(function, file)  # type: ignore[misc]

    def get_source_stamp(self) -> str:
        return stamp_with_imports(Path(self._py_file))


class InChosenFolder(_StampedWithImports, UserProvidedCacheLocator):  # type: ignore[misc]
    """Keeps machine code in the folder that NUMBA_CACHE_DIR names."""


class BesideModule(_StampedWithImports, InTreeCacheLocator):  # type: ignore[misc]
    """Keeps machine code in the folder __pycache__ beside the module."""


class InFolderOfUser(_StampedWithImports, UserWideCacheLocator):  # type: ignore[misc]
    """Keeps machine code in the user's cache folder."""


@cache
def stamp_with_imports(module: Path, package: Path = PACKAGE) -> str:
    """Return a hash of the sources of a module of a package and of all that it imports of it, however indirectly.

    module: its file. package: its package's folder.
    """
    name = ".".join((package.name, *module.relative_to(package).with_suffix("").parts))
    digest = hashlib.sha256()
    for imported, path in sorted(imported_modules((name,), package).items()):
        digest.update(imported.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


_OURS = [f"{__name__}.{locator.__name__}" for locator in (InChosenFolder, BesideModule, InFolderOfUser)]
_OF_NUMBA = [locator.__name__ for locator in CacheImpl._locator_classes]
config.CACHE_LOCATOR_CLASSES = ",".join([*_OURS, *_OF_NUMBA])


def njit(*signatures: Any, cache: bool = False, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return Numba's `njit` with these options.

    signatures: of what is compiled at once, and of nothing else; without them each is compiled when it is first called.
    cache: whether machine code is kept on disk, as said above.
    """
    compile_lazily = numba.njit(**options)

    def compiled(function: Callable[..., Any]) -> Any:
        dispatcher = compile_lazily(function)
        if not numba.extending.is_jitted(dispatcher):
            return dispatcher
        if cache:
            dispatcher._cache = _kept_code(function)
        for signature in signatures:
            dispatcher.compile(signature)
        if signatures:
            dispatcher.disable_compile()
        return dispatcher

    return compiled


def _kept_code(function: Callable[..., Any]) -> FunctionCache | NullCache:
    try:
        return KeptCode(function)
    except RuntimeError as nowhere:  # no folder can be written
        _say_not_kept(str(nowhere))
        return NullCache()


class KeptCode(FunctionCache):  # type: ignore[misc]
    """The machine code of a function on disk."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return what is kept for a signature; None if nothing is, or nothing that can be read."""
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # a damaged pickle raises whatever its bytes spell
            self._attempt(self.flush)
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled for a signature, where that is possible."""
        self._attempt(lambda: super(KeptCode, self).save_overload(sig, data))

    def _attempt(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as refused:
            _say_not_kept(refused.strerror or str(refused))
            self.disable()


@cache
def _say_not_kept(why: str) -> None:
    """Say so once in a process."""
    print(f"warning: compiled code cannot be kept ({why}): every process compiles it anew", file=sys.stderr)
