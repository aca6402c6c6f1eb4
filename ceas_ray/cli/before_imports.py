"""What must happen before anything large is imported; imported first by the command, and loads next to nothing."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType

_INTERRUPTED = 130
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def prepare(is_command: bool) -> None:
    """Set one thread per process (the same bits everywhere) and a folder for compiled code; if this process is the
    command, and not one that imports it, signals end it at once until `answered` takes them."""
    for number in (signal.SIGINT, signal.SIGTERM) if is_command else ():
        signal.signal(number, _end)
    for name in _THREADS:
        os.environ.setdefault(name, "1")
    folder = compiled_code_folder(Path(__file__).parents[1])
    if folder is not None:
        os.environ.setdefault("NUMBA_CACHE_DIR", folder)


def compiled_code_folder(package: Path) -> str | None:
    """Where Numba can keep what it compiles; None where it finds a place itself, beside the package's modules.

    Else it is the user's cache folder, or a fresh temporary one where that cannot be written either.
    """
    if all(_can_write(folder) for folder in package.rglob("*") if folder.is_dir() and folder.name != "__pycache__"):
        return None
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    chosen = os.path.join(base, "ceas_ray", "numba")
    try:
        os.makedirs(chosen, exist_ok=True)
        can_write = _can_write(Path(chosen))
    except OSError:
        can_write = False
    return chosen if can_write else tempfile.mkdtemp(prefix="ceas_ray_numba_")


def _can_write(folder: Path) -> bool:
    cache = folder / "__pycache__"
    return os.access(cache if cache.is_dir() else folder, os.W_OK | os.X_OK)


def _end(number: int, frame: FrameType | None) -> None:
    """Nothing has begun: end at once, without a traceback."""
    sys.stdout.flush()
    os._exit(_INTERRUPTED)
