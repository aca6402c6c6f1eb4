"""Separate environments of peers, with pinned packages, in the user's cache folder."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

from ceas_ray.config.errors import UnusableSettings

PINNED = {"simpy": ("simpy==4.1.2",)}


def python_with(peer: str) -> str:
    """Return the Python of a peer's environment; make it if there is none. Raises SettingsError if that fails."""
    packages = PINNED[peer]
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "ceas_ray" / "peers" / "+".join(packages)
    python, complete = folder / "bin" / "python", folder / "complete"
    if complete.exists():
        return str(python)
    print(f"making the environment of {peer} in {folder}", file=sys.stderr)
    venv.create(folder, with_pip=True, clear=True)
    done = subprocess.run([python, "-m", "pip", "install", "-q", *packages], capture_output=True, text=True)
    if done.returncode != 0:
        why = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UnusableSettings("--peers", f"{' '.join(packages)} could not be installed: {why}")
    complete.touch()
    return str(python)
