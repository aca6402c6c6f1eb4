"""The experiment on awareness as a whole, very small: it runs, resumes, reports; its registered design holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ceas_ray.cli.reproduce import main
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.studies.awareness.design import Plan, read_design
from ceas_ray.studies.awareness.experiment import findings_of
from ceas_ray.studies.awareness.recorded_runs import AWARENESS_TABLE
from ceas_ray.studies.headline import training_runs
from ceas_ray.studies.headline.design import named
from ceas_ray.world.builder import outline_world
from tests.composed_settings import composed_once

FORM = "study.design.forms.quick"
EVALUATED = {
    **dict.fromkeys(("one_shot", "two_shots", "scarce", "four_shots"), range(1025, 1030)),
    **dict.fromkeys(("one_shot_fresh", "two_shots_fresh"), range(1030, 1035)),
    **dict.fromkeys(("one_shot_many", "two_shots_many", "four_shots_many", "scarce_many"), range(1035, 1055)),
    **dict.fromkeys(("one_shot_budget", "two_shots_budget"), range(1301, 1321)),
}
SELECTED = {1025: range(1, 2), 1030: range(1, 4), 1035: range(1, 4), 1301: range(1291, 1294)}
REGISTERED = tuple(EVALUATED)
TINY = [
    "experiment=awareness", "training.rounds=3", "processors.count=4", "entanglement.warm_up_tests=20",
    "training.data.samples=80", "study.design.level=0.05", f"{FORM}.arms=[mdp_precision,base_stock]",
]  # fmt: skip


def planned(form: str) -> Plan:
    return Plan(*read_design(composed_once(["experiment=awareness"])["study"]["design"], form), ())


@pytest.mark.slow
@pytest.mark.parametrize("form", REGISTERED)
def test_every_arm_of_a_registered_form_can_be_built(form: str) -> None:
    plan = planned(form)
    firsts = {run.arm: run for run in plan.selection(*plan.form.scenarios)}
    assert set(firsts) == set(plan.form.arms)
    for run in firsts.values():
        outline_world(build(RunSettings, composed_once(list(run.overrides))))  # refuses all that a run refuses


@pytest.mark.parametrize("form", ["quick", *REGISTERED])
def test_the_number_of_runs_is_what_the_plan_says(form: str) -> None:
    plan, (scenario,) = planned(form), planned(form).form.scenarios
    judged = [*plan.aware, *plan.oblivious[: plan.form.judged]]
    runs = [*plan.selection(scenario), *plan.evaluation(scenario, dict.fromkeys(judged, (128, 2.0)))]
    assert plan.count() == len(runs) == len(named(runs))


def test_registered_forms_select_and_judge_on_seeds_that_are_apart_and_that_no_other_experiment_judges_on() -> None:
    for form, evaluated in EVALUATED.items():
        selected = SELECTED[evaluated.start]
        assert (planned(form).selection_seeds, planned(form).evaluation_seeds) == (selected, evaluated)


@pytest.mark.slow
def test_it_runs_resumes_and_reports(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [*TINY, "runtime=local", "tracking=folder", "quiet=true", f"output={tmp_path}/found"]
    assert main(command) == 0, capsys.readouterr().err
    folder = tmp_path / "found"
    first = json.loads((folder / "summary.json").read_text())
    (found,) = first["results"]
    results = AWARENESS_TABLE.results(folder / "runs.csv")
    assert len(results) == first["runs"] == 6
    assert all(r["reached"] and r["rounds"] == 3 and 0 < r["pairs"] < r["all_pairs"] for r in results)
    assert {row["measure"] for row in found["gains"].values()} == {"pairs", "all_pairs", "simulated_seconds"}
    assert all(row["low"] <= row["ratio"] <= row["high"] for row in found["gains"].values())
    plan = Plan(*read_design(composed_once(TINY)["study"]["design"], "quick"), ())
    assert findings_of(plan, "one_shot", AWARENESS_TABLE.recorded(folder / "runs.csv")) == found
    monkeypatch.setattr(training_runs, "build_world", None)  # nothing is trained
    assert main(command) == 0
    assert json.loads((folder / "summary.json").read_text())["results"] == first["results"]


@pytest.mark.parametrize(("words", "message"), [
    (["study.form=tiny"], "study.form must be one of quick, one_shot, two_shots, scarce, four_shots, one_shot_fresh, "),
    ([f"{FORM}.arms=[base_stock]"], f"{FORM}.arms must be at least mdp_precision and one without the timetable"),
    ([f"{FORM}.arms=[nobody]"], "study.design.arms must be such that every name used is among them, got 'nobody'"),
    ([f"{FORM}.circuits=[]"], f"{FORM}.circuits must be at least one"),
    ([f"{FORM}.circuits=[0]"], f"{FORM}.circuits must be a list of integers in [4, 1000000], got [0]"),
    ([f"{FORM}.attacks={{optimising: []}}"], f"{FORM}.attacks must be at least one, the first of which selects"),
    ([f"{FORM}.first_evaluation_seed=71"], f"{FORM}.first_evaluation_seed must be such that no seed selects and"),
    (["study.design.tuned.one_shot.nobody=[]"], "study.design.tuned.one_shot.nobody must be a known key"),
    (["study.design.level=2"], "study.design.level must be"),
])  # fmt: skip
def test_a_bad_design_is_refused_in_one_line(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["experiment=awareness", *words, f"output={tmp_path}/none"]) == 2
    assert capsys.readouterr().err.startswith(message)
    assert not (tmp_path / "none").exists()
