"""The experiment as a whole, very small: it runs, resumes, reports; its registered design holds together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ceas_ray.cli.reproduce import main
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.studies.headline.design import Plan, named, read_design
from ceas_ray.studies.headline.training_runs import train
from ceas_ray.world.builder import build_world, outline_world
from tests.composed_settings import composed_once
from tests.small_worlds import SMALL

FORM = "study.design.forms.quick"
TINY = [
    "training=digits_38", *SMALL, "training.rounds=2", f"~{FORM}.attacks.alie", f"~{FORM}.attacks.false_fidelity",
    f"{FORM}.attacks.inner_product=[4.0, 20.0]",
    f"{FORM}.placements=[best_links]", f"{FORM}.learning_rates=[0.1, 0.5]", f"{FORM}.overrides=[]",
    f"{FORM}.arms=[ceas, ceas_uniform, oblivious_mean, oblivious_trimmed_mean]",
]  # fmt: skip


def registered(form: str) -> Plan:
    design, chosen = read_design(composed_once(["experiment=headline"])["study"]["design"], form)
    return Plan(design, chosen, ())


@pytest.mark.parametrize("form", ["quick", "evening_control", pytest.param("full", marks=pytest.mark.slow)])
def test_every_run_of_the_registered_design_can_be_built_or_shares_its_settings_with_one_that_can(form: str) -> None:
    plan = registered(form)
    rates = dict.fromkeys(plan.form.arms, 0.5)
    seen = set()
    for scenario in plan.form.scenarios:
        for run in plan.tuning(scenario)[:1] + plan.selection(scenario, rates):
            kind = (scenario, run.arm) if run.attack == next(iter(plan.form.attacks)) else (run.attack, run.placement)
            if kind not in seen:
                seen.add(kind)
                outline_world(build(RunSettings, composed_once(list(run.overrides))))  # refuses all that a run refuses
    assert len(seen) >= len(plan.form.arms) + len(plan.form.attacks)


def test_no_seed_is_used_to_select_and_to_evaluate() -> None:
    for form in ("quick", "evening", "evening_control", "night", "full"):
        plan = registered(form)
        assert not set(plan.selection_seeds) & set(plan.evaluation_seeds)


@pytest.mark.parametrize("form", ["evening", "night", "full"])
def test_runs_that_tune_have_a_validation_set_and_runs_that_are_reported_train_on_all(form: str) -> None:
    plan = registered(form)
    scenario, rates = plan.form.scenarios[0], dict.fromkeys(plan.form.arms, 0.5)
    fractions = [
        {build(RunSettings, composed_once(list(run.overrides))).training.data.validation_fraction for run in runs[:2]}
        for runs in (plan.tuning(scenario), plan.selection(scenario, rates))
    ]
    assert fractions == [{0.25}, {0.0}]


@pytest.mark.slow
def test_a_run_of_the_experiment_says_what_it_reached_on_its_validation_set() -> None:
    design, form = read_design(composed_once([*TINY, "experiment=headline"])["study"]["design"], "quick")
    plan = Plan(design, form, tuple(word for word in TINY if not word.lstrip("~").startswith("study.")))
    tuned, selected = plan.tuning("primary")[0], plan.selection("primary", dict.fromkeys(form.arms, 0.5))[0]
    found = train(tuned, design.last_evaluations)
    data = build_world(build(RunSettings, composed_once(list(tuned.overrides)))).data
    right = found["validation_accuracy"] * len(data.validation_labels)
    assert right == pytest.approx(round(right), abs=1e-9), "one evaluation of so many samples"
    assert found["validation_chance"] == data.validation_chance
    without = train(selected, design.last_evaluations)
    assert (without["validation_accuracy"], without["validation_chance"]) == (None, None)


def test_the_number_of_runs_is_what_the_plan_says() -> None:
    plan = registered("night")
    rates = dict.fromkeys(plan.form.arms, 0.5)
    strengths = {(a, b, c): 1.0 for a in plan.form.arms for b in plan.form.attacks for c in plan.form.placements}
    runs = []
    for scenario in plan.form.scenarios:
        runs += plan.tuning(scenario) + plan.selection(scenario, rates) + plan.evaluation(scenario, rates, strengths)
    assert plan.count() == len(runs) == len(named(runs))


@pytest.mark.slow
def test_it_runs_resumes_and_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [*TINY, f"output={tmp_path}/found"]
    assert main(command) == 0, capsys.readouterr().err
    folder = tmp_path / "found"
    first = json.loads((folder / "summary.json").read_text())
    results = sorted((folder / "runs").glob("*.json"))
    assert len(results) == first["runs"]
    assert [found["scenario"] for found in first["results"]] == ["primary", "equal_links"]
    for name in ("index.html", "primary.png", "equal_links.png", "settings.yaml"):
        assert (folder / name).stat().st_size > 0
    assert "NOT reached" in capsys.readouterr().out
    untouched = {path: path.stat().st_mtime_ns for path in results[1:]}
    results[0].unlink()
    assert main(command) == 0
    again = json.loads((folder / "summary.json").read_text())
    assert again["results"] == first["results"]
    assert {path: path.stat().st_mtime_ns for path in results[1:]} == untouched


@pytest.mark.ray
def test_ray_gives_the_same_findings_as_processes(tmp_path: Path) -> None:
    found = {}
    for runtime in ("ray", "local"):
        words = [word for word in TINY if not word.startswith("runtime")]
        assert main([*words, f"runtime={runtime}", "study.design.forms.quick.scenarios=[primary]",
                     f"output={tmp_path}/{runtime}"]) == 0  # fmt: skip
        found[runtime] = json.loads((tmp_path / runtime / "summary.json").read_text())["results"]
    assert found["ray"] == found["local"]


@pytest.mark.parametrize(("words", "message"), [
    (["study.form=tiny"], "study.form must be one of quick, evening, evening_fresh, evening_six_qubits, "),
    ([f"{FORM}.arms=[ceas]"], f"{FORM}.arms must be at least"),
    ([f"{FORM}.arms=[nobody]"], "study.design.arms must be such that every name used is among them, got 'nobody'"),
    ([f"{FORM}.evaluation_seeds=1"], f"{FORM}.evaluation_seeds must be an integer in [2, 1000]"),
    (["processors.count=0"], "processors.count must be an integer in"),
    (["study.design.nothing=1"], "study.design.nothing must be a known key"),
    (["dry_run=true"], "dry_run must be false for a study of many runs, got true"),
    (["resume=outputs/a"], "resume must be null for an experiment, which the same command resumes, got 'outputs/a'"),
])  # fmt: skip
def test_a_bad_design_is_refused_in_one_line(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, f"output={tmp_path}/none"]) == 2
    assert capsys.readouterr().err.startswith(message)
    assert not (tmp_path / "none").exists()
