"""Simulated times that settings fix, in picoseconds."""

from __future__ import annotations

from ceas_ray.config.schema import RunSettings
from ceas_ray.kernel.time import picoseconds


def control_delay(settings: RunSettings) -> int:
    """Return how long every control message takes."""
    return picoseconds(settings.entanglement.control_delay_microseconds * 1e-6)


def message_bound(settings: RunSettings) -> int:
    """Return delta: the bound on the delay of messages in the committee."""
    return picoseconds(settings.consensus.delta_microseconds * 1e-6)


def update_time(settings: RunSettings) -> int:
    """Return how long a processor takes from its shots to its update."""
    return picoseconds(settings.processors.update_milliseconds * 1e-3)
