"""What a search looks for: numbers of `summary.json` by their names, each to be made large or small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.nearest import or_nearest
from ceas_ray.reports.numbers import numbers_in

_FATES = ("generated", "used", "late", "expired", "sacrificed", "stored")
_USES = ("training", "authentication", "testing")
_CAUSES = ("shots", "tests", "keys", "update", "consensus", "planning")
NAMES = (
    "test_accuracy", "validation_accuracy", "test_loss", "backdoor_success", "backdoor_baseline",
    "simulated_seconds", "wall_seconds",
    "bell_pair_utilization", "bell_pair_utilization_net", "bell_pair_utilization_training",
    "demand_on_time", "mean_contrast", "rounds", "rounds_per_simulated_second", "decisions", "view_changes",
    "stall_waits", "key_bits.distilled", "key_bits.spent",
    *(f"bell_pairs.{fate}" for fate in _FATES if fate != "used"),
    *(f"bell_pairs.used.{use}" for use in _USES),
    *(f"bell_pairs.by_use.{use}.{fate}" for use in _USES for fate in _FATES),
    *(f"bell_pairs.by_cause.{cause}" for cause in ("shots", "tests", "update_keys", "consensus_keys")),
    *(f"simulated_seconds_by_cause.{cause}" for cause in _CAUSES),
    *(f"detection.{name}" for name in ("flagged", "flagged_byzantine", "precision", "recall")),
    "detection.effective_weight_byzantine",
)  # fmt: skip
"""Numbers of a summary that settings can change."""
_DIRECTIONS = ("maximize", "minimize")
_OBJECTIVE, _DIRECTION = "hydra.sweeper.objective", "hydra.sweeper.direction"


@dataclass(frozen=True)
class Objectives:
    """names: of numbers of the summary. directions: of each, maximize or minimize."""

    names: tuple[str, ...]
    directions: tuple[str, ...]

    @classmethod
    def of(cls, objective: str | Sequence[str], direction: str | Sequence[str] | None) -> Objectives:
        """Return what these settings say; raises SettingsError for names and directions that there are not.

        direction: None stands for maximize where every objective is an accuracy.
        """
        names = _listed(objective)
        if not names or len(set(names)) < len(names):
            raise SettingsError(_OBJECTIVE, "one or several different numbers of summary.json", objective)
        for name in names:
            if name not in NAMES:
                raise SettingsError(_OBJECTIVE, or_nearest("a number of summary.json", name, NAMES), name)
        if direction is None and all(name.endswith("accuracy") for name in names):
            return cls(names, ("maximize",) * len(names))
        must = f"maximize or minimize, once for each of {', '.join(names)}"
        if direction is None:
            raise SettingsError(_DIRECTION, must, direction)
        directions = _listed(direction)
        for one in directions:
            if one not in _DIRECTIONS:
                raise SettingsError(_DIRECTION, or_nearest(must, one, _DIRECTIONS), one)
        if len(directions) != len(names):
            raise SettingsError(_DIRECTION, must, ",".join(directions))
        return cls(names, directions)

    def values(self, summary: Mapping[str, Any]) -> list[float]:
        """Return the objectives of a run that is over; raises ValueError for one that its summary does not have."""
        numbers = dict(numbers_in(summary))
        for name in self.names:
            if not _is_a_number(numbers.get(name)):
                raise ValueError(f"its summary has no number {name}")
        return [numbers[name] for name in self.names]


def _listed(given: str | Sequence[str]) -> tuple[str, ...]:
    return tuple(map(str, [given] if isinstance(given, str) else given))


def _is_a_number(value: float | None) -> bool:
    return value is not None and value == value
