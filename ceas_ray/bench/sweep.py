"""A sweep of twelve short jobs as a command, beside the same jobs one after the other in one warm process.

usage: scripts/bench sweep [key=value ...]     overrides of every job
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ceas_ray.config.composition import composed
from ceas_ray.config.errors import UnusableSettings
from ceas_ray.runs.run import execute
from ceas_ray.runtime.available_cpus import available_cpus
from ceas_ray.runtime.interruption import Interruption

JOBS = 12
SHORT = ("training.rounds=10", "tracking=folder", "quiet=true")


def main(overrides: Sequence[str]) -> dict[str, Any]:
    """Return the seconds of both, the speed-up of the sweep, and its overhead for each job in seconds.

    The sweep's time is that of the whole command, from the start of Python to the end of Ray. Raises SettingsError for
    bad overrides, and if the sweep does not complete.
    """
    with tempfile.TemporaryDirectory() as folder:
        alone = _one_after_the_other([*SHORT, *overrides], Path(folder, "alone"))
        together = _sweep([*SHORT, *overrides], Path(folder, "sweep"))
    cpus = available_cpus()
    return {
        "benchmark": "sweep",
        "jobs": JOBS,
        "cpus": cpus,
        "one_after_the_other_seconds": round(alone, 2),
        "sweep_seconds": round(together, 2),
        "times_as_fast": round(alone / together, 2),
        "overhead_seconds_a_job": round((together - alone / cpus) / JOBS, 2),
    }


def _one_after_the_other(words: Sequence[str], folder: Path) -> float:
    """Return the seconds of all jobs in this process, which has run another one before."""
    began = time.perf_counter()
    for seed in range(JOBS + 1):
        if seed == 1:
            began = time.perf_counter()
        config = composed([*words, "runtime=local", f"seed={seed}"]) | {"output": str(folder / str(seed))}
        execute(config, Interruption(), lambda summary, _: None)
    return time.perf_counter() - began


def _sweep(words: Sequence[str], folder: Path) -> float:
    command = [sys.executable, "-m", "ceas_ray.cli.run", "-m", *words, f"seed=range(1,{JOBS + 1})", f"output={folder}"]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise UnusableSettings("command line", f"the sweep did not complete: {' '.join(done.stderr.split())}")
    return time.perf_counter() - began
