"""The table of all training runs of the experiment on awareness."""

from __future__ import annotations

from typing import Any

from ceas_ray.studies.headline.design import Run
from ceas_ray.studies.headline.training_runs import Result
from ceas_ray.studies.run_table import RunTable, truth

_PLACE = ("scenario", "seed", "arm", "attack", "strength", "circuits", "learning_rate")
_FIGURES = ("reached", "rounds", "pairs", "all_pairs", "simulated_seconds", "accuracy", "chance", "curve")


def _place(result: Result) -> tuple[Any, ...]:
    return tuple(result[name] for name in _PLACE)


def _place_of_run(run: Run) -> tuple[Any, ...]:
    return tuple(getattr(run, name) for name in _PLACE)


AWARENESS_TABLE = RunTable(
    columns=(*_PLACE, *_FIGURES, "status", "trace_digest", "key"),
    read=dict.fromkeys(("strength", "learning_rate", "simulated_seconds", "accuracy", "chance"), float)
    | dict.fromkeys(("seed", "circuits", "rounds", "pairs", "all_pairs"), int)
    | {"reached": truth},
    order=_place,
    place_of_result=_place,
    place_of_run=_place_of_run,
)
"""pairs: generated for shots and tests until the end; all_pairs: with those for keys. curve: pairs and accuracy after
each round."""
