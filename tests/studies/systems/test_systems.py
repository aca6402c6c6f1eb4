"""The experiments on whole systems, very small: they run, resume and report; their registered designs hold."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ceas_ray.cli.reproduce import main
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.studies.headline import training_runs
from ceas_ray.studies.headline.design import named
from ceas_ray.studies.systems.design import EverythingDesign, Plan, WeightsDesign, read_design
from ceas_ray.studies.systems.experiment import findings_of
from ceas_ray.studies.systems.recorded_runs import SYSTEMS_TABLE
from ceas_ray.studies.systems.system_runs import train_system
from ceas_ray.world.builder import outline_world
from tests.composed_settings import composed_once
from tests.small_worlds import SMALL

KINDS = {"everything": EverythingDesign, "weights": WeightsDesign}
SEEDS = {
    ("everything", "default"): (range(1101, 1104), range(1111, 1123)),
    ("everything", "all_pairs"): (range(1151, 1154), range(1161, 1173)),
    ("everything", "one_shot"): (range(1131, 1134), range(1141, 1153)),
    ("weights", "links"): (range(1201, 1204), range(1211, 1221)),
    ("weights", "unequal_links"): (range(1201, 1204), range(1216, 1226)),
    ("weights", "gates"): (range(1201, 1204), range(1216, 1226)),
}
FORM = "study.design.forms.quick"
TINY = [
    *SMALL, "training.rounds=2", f"{FORM}.circuits=[32,64]", f"{FORM}.learning_rates=[0.5]",
    f"{FORM}.evaluation_seeds=2",
    f"{FORM}.attacks={{alie: [1.0, 4.0]}}", f"{FORM}.placements=[random, best_links]", f"{FORM}.screening={{}}",
]  # fmt: skip


def planned(experiment: str, form: str, *words: str) -> Plan:
    config = composed_once([f"experiment={experiment}", *words])["study"]["design"]
    return Plan(*read_design(KINDS[experiment], config, form), ())


@pytest.mark.parametrize(("experiment", "form"), [*SEEDS, ("everything", "quick"), ("weights", "quick")])
def test_the_number_of_runs_is_what_the_plan_says(experiment: str, form: str) -> None:
    plan = planned(experiment, form)
    settings = plan.untuned
    some = dict.fromkeys(plan.form.arms, plan.conditions[: plan.form.shortlist])
    judged = dict.fromkeys(plan.form.arms, plan.conditions[: plan.form.worst_attacks])
    runs = []
    for scenario in plan.form.scenarios:
        runs += plan.tuning(scenario) + plan.selection(scenario, settings)
        runs += plan.further_selection(scenario, settings, some) + plan.evaluation(scenario, settings, judged)
    assert plan.count() == len(runs) == len(named(runs))


def test_registered_forms_select_and_judge_on_seeds_that_no_other_experiment_has() -> None:
    for (experiment, form), seeds in SEEDS.items():
        plan = planned(experiment, form)
        assert (plan.selection_seeds, plan.evaluation_seeds) == seeds
        assert min(min(s) for s in seeds) > 1100, "up to 1054 they are those of the first two experiments"


@pytest.mark.slow
@pytest.mark.parametrize(("experiment", "form"), SEEDS)
def test_every_arm_and_attack_of_a_registered_form_can_be_built(experiment: str, form: str) -> None:
    plan, seen = planned(experiment, form), set()
    settings = plan.untuned
    for scenario in plan.form.scenarios:
        for run in plan.selection(scenario, settings):
            first = (run.attack, run.strength, run.placement) == plan.conditions[0]
            kind = (scenario, run.arm) if first else (scenario, run.attack)
            if kind not in seen:
                seen.add(kind)
                outline_world(build(RunSettings, composed_once(list(run.overrides))))  # refuses all that a run refuses


@pytest.mark.slow
@pytest.mark.parametrize("experiment", KINDS)
def test_it_runs_resumes_and_reports(
    experiment: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [f"experiment={experiment}", *TINY, f"output={tmp_path}/found"]
    assert main(command) == 0, capsys.readouterr().err
    folder = tmp_path / "found"
    first = json.loads((folder / "summary.json").read_text())
    (found,) = first["results"]
    results = SYSTEMS_TABLE.results(folder / "runs.csv")
    assert len(results) == first["runs"]
    assert all(0 < r["pairs"] < r["all_pairs"] and r["rounds"] == 2 for r in results)
    assert all(row["low"] <= row["estimate"] <= row["high"] for row in found["gains"].values())
    uniform = next(row for row in found["variances"])
    assert {row["circuits"] for row in found["worst"]} <= {32, 64}
    assert uniform["most"] >= 1
    plan = planned(experiment, "quick", *TINY)
    scenario = plan.form.scenarios[0]
    assert findings_of(plan, scenario, SYSTEMS_TABLE.recorded(folder / "runs.csv")) == found
    monkeypatch.setattr(training_runs, "build_world", None)  # nothing is trained
    assert main(command) == 0
    assert json.loads((folder / "summary.json").read_text())["results"] == first["results"]


@pytest.mark.slow
def test_keys_count_towards_a_budget_of_all_pairs() -> None:
    plan = planned("everything", "quick", *TINY)
    run = plan.evaluation(plan.form.scenarios[0], plan.untuned, dict.fromkeys(plan.form.arms, ()))[0]
    run = replace(run, overrides=(*run.overrides, *SMALL, "training.rounds=4"))
    free = train_system(run, last_rounds=1, pair_budget=0, budgeted_pairs="all")
    budget = int(free["all_pairs"]) - 1
    assert free["pairs"] < budget
    assert train_system(run, 1, budget, "shots_and_tests")["status"] == "completed"
    spent = train_system(run, 1, budget, "all")
    assert spent["status"] == "spent"
    assert spent["all_pairs"] <= budget
    assert spent["rounds"] == free["rounds"] - 1


@pytest.mark.parametrize(("words", "message"), [
    (
        ["study.form=tiny"],
        "study.form must be one of quick, default, all_pairs, one_shot, one_shot_all_pairs, got 'tiny'",
    ),
    ([f"{FORM}.arms=[ceas]"], f"{FORM}.comparisons.paper must be an arm of the form and at least another one"),
    ([f"{FORM}.arms=[nobody]"], "study.design.arms must be such that every name used is among them, got 'nobody'"),
    ([f"{FORM}.circuits=[]"], f"{FORM}.circuits must be at least one"),
    ([f"{FORM}.placements=[]"], f"{FORM}.placements must be at least one"),
    ([f"{FORM}.shortlist=9"], f"{FORM}.shortlist must be from worst_attacks (2) to the number of attacks and placem"),
    ([f"{FORM}.first_evaluation_seed=72"], f"{FORM}.first_evaluation_seed must be such that no seed selects and"),
])  # fmt: skip
def test_a_bad_design_is_refused_in_one_line(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["experiment=everything", *words, f"output={tmp_path}/none"]) == 2
    assert capsys.readouterr().err.startswith(message)
    assert not (tmp_path / "none").exists()
