"""Exit codes of the commands."""

from __future__ import annotations

from ceas_ray.runs.training_run import Status
from ceas_ray.runtime.interruption import INTERRUPTED

COMPLETED, FAILED, BAD_SETTINGS, STALLED = 0, 1, 2, 3

OF_STATUS: dict[Status, int] = {
    "completed": COMPLETED,
    "stopped": COMPLETED,
    "pruned": COMPLETED,
    "stalled": STALLED,
    "interrupted": INTERRUPTED,
    "failed": FAILED,
}
"""The exit code for each way in which a run ends."""
