"""The table of all training runs of an experiment on whole systems."""

from __future__ import annotations

from typing import Any

from ceas_ray.studies.headline.design import Run
from ceas_ray.studies.headline.training_runs import Result
from ceas_ray.studies.run_table import RunTable, number_or_none

_PLACE = ("scenario", "seed", "arm", "attack", "strength", "placement", "circuits", "learning_rate")
_FIGURES = (
    "validation_accuracy", "validation_chance", "accuracy", "chance", "rounds", "pairs", "all_pairs",
    "simulated_seconds", "variance_gain", "optimal_gain", "contrast_cv",
)  # fmt: skip


def _place(result: Result) -> tuple[Any, ...]:
    return (result["validation_accuracy"] is not None, *(result[name] for name in _PLACE))


def _place_of_run(run: Run) -> tuple[Any, ...]:
    tunes = any(word.startswith("training.data.validation_fraction=") for word in run.overrides)
    return (tunes, *(getattr(run, name) for name in _PLACE))


SYSTEMS_TABLE = RunTable(
    columns=(*_PLACE, *_FIGURES, "status", "trace_digest", "key"),
    read=dict.fromkeys(("strength", "learning_rate", "accuracy", "chance", "simulated_seconds", "contrast_cv"), float)
    | dict.fromkeys((*_FIGURES[:2], "variance_gain", "optimal_gain"), number_or_none)
    | dict.fromkeys(("seed", "circuits", "rounds", "pairs", "all_pairs"), int),
    order=_place,
    place_of_result=_place,
    place_of_run=_place_of_run,
)
"""validation_accuracy: of runs that tune, which have a validation set. pairs: generated for shots and tests; all_pairs:
with those for keys."""
