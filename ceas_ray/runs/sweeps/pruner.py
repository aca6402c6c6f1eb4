"""Pruning: trials of a search end early where others did better, by the results of rounds in their journals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.nearest import or_nearest
from ceas_ray.runs.limits import Pruning
from ceas_ray.runs.sweeps.objectives import Objectives
from ceas_ray.runs.sweeps.trials import Trials
from ceas_ray.tracking.files import read_journal

PRUNERS = ("median",)
_PRUNER = "hydra.sweeper.pruner"
_IN_JOURNALS = {"test_accuracy": "accuracy", "validation_accuracy": "validation_accuracy", "test_loss": "loss"}
"""Objectives that a journal has of rounds, and what they are called there."""


@dataclass(frozen=True)
class MedianPruner:
    """Ends a trial whose best result up to a round is worse than the median of complete trials at that round.

    The rule is that of Optuna's MedianPruner, with the trials that were complete when the trial began; its origin is
    the median stopping rule of Golovin et al., "Google Vizier", KDD 2017. startup_trials: how many must be complete.
    warm_up_rounds: no trial is pruned after so few rounds.
    """

    measure: str
    is_better_large: bool
    startup_trials: int
    warm_up_rounds: int

    def pruning(self, trials: Trials) -> Pruning:
        """Return when a trial that begins now is ended."""
        medians = trials.medians(self.startup_trials)
        thresholds = {step: value for step, value in medians.items() if step > self.warm_up_rounds}
        return Pruning(self.measure, self.is_better_large, thresholds)

    def rounds_of(self, folder: Path) -> dict[int, float]:
        """Return the measure by round, from 1 on, of the run in this folder; nothing where it left no journal."""
        try:
            journal = read_journal(folder / "journal.jsonl")
        except (OSError, ValueError):
            return {}
        rounds = [line.get(self.measure) for line in journal if line["event"] == "round"]
        return {number: float(value) for number, value in enumerate(rounds, 1) if value is not None}


def pruner_of(given: Mapping[str, Any], objectives: Objectives) -> MedianPruner | None:
    """Return the pruner that `hydra.sweeper` asks for; raises SettingsError for one that there is not."""
    for name, least in (("startup_trials", 1), ("warm_up_rounds", 0)):
        if isinstance(given[name], bool) or not isinstance(given[name], int) or not least <= given[name] <= 100_000:
            raise SettingsError(f"hydra.sweeper.{name}", f"an integer from {least} to 100000", given[name])
    if given["pruner"] is None:
        return None
    if given["pruner"] not in PRUNERS:
        raise SettingsError(_PRUNER, or_nearest("null or median", str(given["pruner"]), PRUNERS), given["pruner"])
    if len(objectives.names) != 1 or objectives.names[0] not in _IN_JOURNALS:
        must = f"null unless the only objective is one of {', '.join(_IN_JOURNALS)}"
        raise SettingsError(_PRUNER, must, given["pruner"])
    return MedianPruner(
        measure=_IN_JOURNALS[objectives.names[0]],
        is_better_large=objectives.directions[0] == "maximize",
        startup_trials=given["startup_trials"],
        warm_up_rounds=given["warm_up_rounds"],
    )
