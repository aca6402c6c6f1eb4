"""The limits of `stop.*`: looked at after every round, and within a round that goes on for long after one is passed."""

from __future__ import annotations

from ceas_ray.config.schema import StopSettings

ROUND_SECONDS = 3.0
"""How long a round may go on after a limit was passed, in wall time; then it is ended where it stands."""
STEP_SECONDS = 4.0
"""How long one step of a round may go on after that; then it is given up: a resumed run repeats it."""


def limit_reached(stop: StopSettings, *, wall_seconds: float, simulated_seconds: float, bell_pairs: int) -> str:
    """Say which limit has been passed; return an empty text if none has."""
    for name, limit, spent, unit in (
        ("wall_seconds", stop.wall_seconds, wall_seconds, "s passed"),
        ("simulated_seconds", stop.simulated_seconds, simulated_seconds, "simulated s passed"),
        ("bell_pairs", stop.bell_pairs, bell_pairs, "Bell pairs were generated"),
    ):
        if limit is not None and spent > limit:
            return f"stop.{name}={limit} is reached: {spent:,.10g} {unit}; raise or lift it to go on"
    return ""


class CutShort(Exception):
    """A round does not go on: its run was interrupted, or has passed a limit. limit: which; empty for an interrupt."""

    def __init__(self, limit: str) -> None:
        super().__init__(limit)
        self.limit = limit
