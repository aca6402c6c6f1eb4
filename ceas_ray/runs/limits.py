"""What ends a run before its last round: the limits of `stop.*`, and, in a search, that others had better results.

Limits are looked at after every round, and within a round that goes on for long after one is passed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Pruning:
    """When a run is ended because others had better results by the same round.

    measure: a number of the rounds in a journal. is_better_large: whether large values of it are good. thresholds: by
    round, from 1 on, what the best value up to that round must reach.
    """

    measure: str
    is_better_large: bool
    thresholds: Mapping[int, float]


class PruningWatch:
    """Follows the rounds of a run. Without a pruning, or in rounds without the measure, it ends nothing."""

    def __init__(self, pruning: Pruning | None) -> None:
        self._pruning = pruning
        self._best: float | None = None

    def verdict(self, rounds: int, line: Mapping[str, object]) -> str:
        """Take note of a round; say why the run ends with it, or return an empty text. rounds: how many are over."""
        pruning = self._pruning
        value = None if pruning is None else line.get(pruning.measure)
        if pruning is None or not isinstance(value, float | int) or value != value:
            return ""
        better = max if pruning.is_better_large else min
        self._best = float(value) if self._best is None else better(self._best, float(value))
        threshold = pruning.thresholds.get(rounds)
        if threshold is None or better(self._best, threshold) == self._best:
            return ""
        return f"pruned: the best {pruning.measure} by round {rounds} is {self._best:.4g}, others had {threshold:.4g}"
