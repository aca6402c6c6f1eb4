"""The table of all training runs of the experiment on rules."""

from __future__ import annotations

from typing import Any

from ceas_ray.studies.headline.design import Run
from ceas_ray.studies.headline.training_runs import Result
from ceas_ray.studies.run_table import RunTable, number_or_none

_COLUMNS = (
    "scenario", "seed", "arm", "attack", "strength", "learning_rate", "validation_accuracy", "validation_chance",
    "accuracy", "chance", "status", "trace_digest", "key",
)  # fmt: skip
_PLACE = ("scenario", "arm", "attack", "strength", "learning_rate", "seed")


def _order(result: Result) -> tuple[Any, ...]:
    return (result["validation_accuracy"] is None, *(result[name] for name in _COLUMNS[:6]))


def _place(result: Result) -> tuple[Any, ...]:
    return (*(result[name] for name in _PLACE), result["validation_accuracy"] is not None)


def _place_of_run(run: Run) -> tuple[Any, ...]:
    tunes = any(word.startswith("training.data.validation_fraction=") for word in run.overrides)
    return (*(getattr(run, name) for name in _PLACE), tunes)


RULES_TABLE = RunTable(
    columns=_COLUMNS,
    read=dict.fromkeys(("accuracy", "chance", "strength", "learning_rate"), float)
    | dict.fromkeys(("validation_accuracy", "validation_chance"), number_or_none)
    | {"seed": int},
    order=_order,
    place_of_result=_place,
    place_of_run=_place_of_run,
)
"""validation_accuracy: of runs that tune, which have a validation set."""
