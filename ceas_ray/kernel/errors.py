"""Errors of a simulation."""

from __future__ import annotations

from ceas_ray.kernel.time import seconds


class SimulationError(Exception):
    """An error inside a simulated actor: which one, when in simulated time, and why."""

    def __init__(self, actor: str, time: int, cause: str) -> None:
        super().__init__(actor, time, cause)
        self.actor, self.time, self.cause = actor, time, cause

    def __str__(self) -> str:
        return f"{self.actor} failed at {seconds(self.time):.9f} s of simulated time: {self.cause}"
