"""Run cases of benchmarks in processes of their own, so that memory and start-up are theirs alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def figures_of_module(module: str, *words: str) -> dict[str, Any]:
    """Run a module of this package; return the JSON that it prints. Raises CalledProcessError if it fails."""
    command = [sys.executable, "-m", module, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    return dict(json.loads(done.stdout))


def figures_of_peer(command: Sequence[str], folder: Path | None = None) -> dict[str, Any]:
    """Run a peer's script; return the JSON in its last line, or, as `failed`, its last line of errors."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=os.environ)
    if done.returncode != 0:
        return {"failed": (done.stderr.strip().splitlines() or ["no message"])[-1]}
    return dict(json.loads(done.stdout.splitlines()[-1]))
