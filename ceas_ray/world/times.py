"""Simulated times that settings fix, in picoseconds."""

from __future__ import annotations

from ceas_ray.config.schema import RunSettings
from ceas_ray.kernel.time import picoseconds
from ceas_ray.messages.quorum import Quorums


def control_delay(settings: RunSettings) -> int:
    """Return how long every control message takes."""
    return picoseconds(settings.entanglement.control_delay_microseconds * 1e-6)


def message_bound(settings: RunSettings) -> int:
    """Return delta: the bound on the delay of messages in the committee."""
    return picoseconds(settings.consensus.delta_microseconds * 1e-6)


def update_time(settings: RunSettings) -> int:
    """Return how long a processor takes from its shots to its update."""
    return picoseconds(settings.processors.update_milliseconds * 1e-3)


def asking_time(settings: RunSettings, quorums: Quorums) -> int:
    """Return how long after a round begins a processor may still ask for the model of the last one, and be heard.

    B of n replicas hold the model and answer. It asks 2 Delta and an update's time after the beginning, and again every
    2 Delta as long as some of those asked are among the other n - B; the last request takes up to Delta.
    """
    times = 1 + quorums.replicas - quorums.blocking
    return update_time(settings) + (2 * times + 1) * message_bound(settings)
