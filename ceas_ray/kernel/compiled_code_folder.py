"""Where Numba keeps what it compiles; chosen before anything imports it, and loads next to nothing."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def keep_compiled_code(package: Path) -> None:
    """Choose a folder for compiled code, in the environment, where the package's own folders cannot be written."""
    folder = compiled_code_folder(package)
    if folder is not None:
        os.environ.setdefault("NUMBA_CACHE_DIR", folder)


def compiled_code_folder(package: Path) -> str | None:
    """Return where Numba can keep what it compiles; None where it finds a place itself, beside the package's modules.

    Else it is the user's cache folder, or one of this user's among temporary files where that cannot be written either.
    """
    if all(_can_write(folder) for folder in _folders_of_modules(package)):
        return None
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    chosen = os.path.join(base, "ceas_ray", "numba")
    with suppress(OSError):
        os.makedirs(chosen, exist_ok=True)
    return chosen if _can_write(Path(chosen)) else _temporary_folder()


def _temporary_folder() -> str | None:
    """Return a folder of this user's that serves the next process too: a fresh one if somebody else made it."""
    try:
        chosen = os.path.join(tempfile.gettempdir(), f"ceas_ray_numba_{os.getuid()}")
        os.makedirs(chosen, mode=0o700, exist_ok=True)
        about = os.lstat(chosen)
        ours = stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid() and not about.st_mode & 0o022
        return chosen if ours else tempfile.mkdtemp(prefix="ceas_ray_numba_")
    except OSError:
        return None


def _folders_of_modules(package: Path) -> Iterator[Path]:
    for folder, within, _ in os.walk(package):
        within[:] = [name for name in within if name != "__pycache__"]
        yield from (Path(folder, name) for name in within)


def _can_write(folder: Path) -> bool:
    cache = folder / "__pycache__"
    return os.access(cache if cache.is_dir() else folder, os.W_OK | os.X_OK)
