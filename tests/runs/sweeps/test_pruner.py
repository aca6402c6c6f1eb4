"""Trials of a search end where others did better, by what their journals say of rounds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import optuna
import pytest

from ceas_ray.cli.run import main
from ceas_ray.config.errors import SettingsError
from ceas_ray.runs.limits import Pruning, PruningWatch
from ceas_ray.runs.sweeps import workers
from ceas_ray.runs.sweeps.objectives import Objectives
from ceas_ray.runs.sweeps.pruner import MedianPruner, pruner_of
from ceas_ray.runs.sweeps.trials import STUDY, Trials
from ceas_ray.runs.sweeps.work import JobEnd, Parcel, run_job
from ceas_ray.tracking.database_uri import sqlite_uri
from tests.runs.sweeps.sweep_folder import rows
from tests.small_worlds import SMALL

ACCURACY = Objectives.of("test_accuracy", None)
GIVEN = {"pruner": "median", "startup_trials": 2, "warm_up_rounds": 0}
LINE = [
    "-m", *(word for word in SMALL if not word.startswith("training.rounds")), "training.rounds=4",
    "hydra/sweeper=optuna", "hydra.sweeper.pruner=median", "hydra.sweeper.startup_trials=1", "hydra.sweeper.trials=6",
    "hydra.sweeper.objective=test_loss", "hydra.sweeper.direction=minimize", "hydra.sweeper.sampler=random",
    "training.learning_rate=tag(log,interval(0.01,1))", "training.evaluate_every=1",
]  # fmt: skip


@pytest.mark.parametrize("is_better_large", [True, False])
def test_a_trial_ends_where_optunas_own_pruner_would_end_it(is_better_large: bool) -> None:
    """The same random results, shown to Optuna's MedianPruner round by round."""
    draw = np.random.default_rng(1)
    direction = "maximize" if is_better_large else "minimize"
    theirs = optuna.create_study(direction=direction, pruner=optuna.pruners.MedianPruner(3, 2))  # counts steps from 0
    complete: list[list[float]] = []
    ends = []
    for _ in range(30):
        results = draw.random(6).tolist()
        medians = np.median(complete, axis=0).tolist() if len(complete) >= 3 else []
        thresholds = {step: medians[step - 1] for step in range(2, len(medians) + 1)}
        watch = PruningWatch(Pruning("accuracy", is_better_large, thresholds))
        trial = theirs.ask()
        for step, value in enumerate(results, 1):
            trial.report(value, step)
            said = watch.verdict(step, {"accuracy": value})
            assert bool(said) == trial.should_prune()
            if said:
                theirs.tell(trial, state=optuna.trial.TrialState.PRUNED)
                ends.append(step)
                break
        else:
            theirs.tell(trial, results[-1])
            complete.append(results)
    assert len(ends) > 5


def test_rounds_without_a_result_and_runs_without_a_pruning_end_nothing() -> None:
    watch = PruningWatch(Pruning("accuracy", True, {1: 0.9, 2: 0.9}))
    assert [watch.verdict(1, {}), watch.verdict(2, {"accuracy": float("nan")})] == ["", ""]
    assert PruningWatch(None).verdict(1, {"accuracy": 0.0}) == ""
    assert watch.verdict(2, {"accuracy": 0.8}) == "pruned: the best accuracy by round 2 is 0.8, others had 0.9"


def test_medians_are_those_of_complete_trials_and_outlive_the_search(tmp_path: Path) -> None:
    trials = Trials(tmp_path, ACCURACY, "random", 1)
    for last, pruned in ((0.6, False), (0.8, False), (0.1, True)):
        number = trials.ask({}).number
        trials.tell(number, None if pruned else [last], {1: last / 2, 2: last}, pruned=pruned)
    again = Trials(tmp_path, ACCURACY, "random", 1)
    assert again.medians(2) == pytest.approx({1: 0.35, 2: 0.7})
    assert again.medians(3) == {}
    assert MedianPruner("accuracy", True, 2, 1).pruning(again).thresholds == pytest.approx({2: 0.7})


@pytest.mark.parametrize(
    ("given", "objectives", "message"),
    [
        ({"pruner": "medain"}, ACCURACY, r"hydra\.sweeper\.pruner must be null or median \(did you mean median\?\)"),
        ({"startup_trials": 0}, ACCURACY, r"hydra\.sweeper\.startup_trials must be an integer from 1"),
        ({"warm_up_rounds": True}, ACCURACY, r"hydra\.sweeper\.warm_up_rounds must be an integer from 0"),
        ({}, Objectives.of("bell_pairs.generated", "minimize"), "null unless the only objective is one of"),
        ({}, Objectives.of(["test_accuracy", "validation_accuracy"], None), "null unless the only objective"),
    ],
)
def test_a_pruner_that_there_is_not_is_refused(given: dict[str, object], objectives: Objectives, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        pruner_of(GIVEN | given, objectives)


@pytest.mark.slow
@pytest.mark.usefixtures("working_folder")
def test_an_interrupted_search_that_prunes_goes_on_to_the_same_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main([*LINE, "output=at_once"]) == 0
    found = rows(tmp_path / "at_once")
    assert {row["status"] for row in found} == {"completed", "pruned"}
    pruned = next(int(row["job"]) for row in found if row["status"] == "pruned")
    summary = json.loads((tmp_path / "at_once" / str(pruned) / "summary.json").read_text())
    assert summary["status"] == "pruned" and summary["rounds"] < 4
    study = optuna.load_study(study_name="ceas_ray", storage=sqlite_uri(tmp_path / "at_once" / STUDY))
    assert study.trials[pruned].state.name == "PRUNED"
    assert sorted(study.trials[pruned].intermediate_values) == [*range(1, summary["rounds"] + 1)]

    begun: list[Path] = []

    def interrupted_at_that_trial(parcel: Parcel, here: bool) -> JobEnd:
        begun.append(parcel.folder)
        return JobEnd("interrupted", "") if len(begun) == pruned + 1 else run_job(parcel, here)

    monkeypatch.setattr(workers, "run_job", interrupted_at_that_trial)
    assert main([*LINE, "output=in_two"]) == 130
    assert main([*LINE, "output=in_two"]) == 0
    ends = [[(row["status"], row["trace_digest"]) for row in rows(tmp_path / name)] for name in ("in_two", "at_once")]
    assert ends[0] == ends[1]
