"""The experiment on rules as a whole, very small: it runs, resumes, reports; its registered design holds together."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from ceas_ray.cli.reproduce import main
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.studies.headline import training_runs
from ceas_ray.studies.headline.design import named
from ceas_ray.studies.rules.design import NO_ATTACK, Plan, read_design
from ceas_ray.studies.rules.experiment import findings_of
from ceas_ray.studies.rules.recorded_runs import RULES_TABLE
from ceas_ray.world.builder import outline_world
from tests.composed_settings import composed_once
from tests.small_worlds import SMALL

FORM = "study.design.forms.quick"
EXPERIMENTS = "headline, rules, awareness, everything, weights"
TINY = [
    "experiment=rules", *SMALL, "training.rounds=2", f"{FORM}.attacks={{inner_product: [2.0, 20.0], alie: [1.0]}}",
    f"{FORM}.learning_rates=[0.1, 0.5]", f"{FORM}.evaluation_seeds=2",
    f"{FORM}.arms=[spectral_filter_discount, nnm_trimmed_mean, mean]",
]  # fmt: skip
REGISTERED = ("default", "circuits_128", "six_qubits")
OTHERS = ("breast_cancer", "thirty_percent", "spin_chain", "digits_0123")


def registered(form: str) -> Plan:
    design, chosen = read_design(composed_once(["experiment=rules"])["study"]["design"], form)
    return Plan(design, chosen, ())


@pytest.mark.parametrize("form", ["quick", pytest.param("full", marks=pytest.mark.slow)])
def test_every_run_of_the_registered_design_can_be_built_or_shares_its_settings_with_one_that_can(form: str) -> None:
    plan, seen = registered(form), set()
    rates = dict.fromkeys(plan.form.arms, 0.5)
    for scenario in plan.form.scenarios:
        for run in plan.tuning(scenario)[:1] + plan.selection(scenario, rates):
            kind = (scenario, run.arm) if run.attack == next(iter(plan.form.attacks)) else (scenario, run.attack)
            if kind not in seen:
                seen.add(kind)
                outline_world(build(RunSettings, composed_once(list(run.overrides))))  # refuses all that a run refuses
    attacked_and_not = len(plan.form.attacks)  # no attack in place of the first, which every arm meets
    assert len(seen) == len(plan.form.scenarios) * (len(plan.form.arms) + attacked_and_not)


@pytest.mark.parametrize("form", ["quick", *REGISTERED, *OTHERS, "default_fresh", "circuits_128_every", "full"])
def test_the_number_of_runs_is_what_the_plan_says(form: str) -> None:
    plan = registered(form)
    rates = dict.fromkeys(plan.form.arms, 0.5)
    attacks = [(attack, strengths[0]) for attack, strengths in plan.form.attacks.items()]
    shortlist = dict.fromkeys(plan.form.arms, attacks[: plan.form.shortlist])
    worst = dict.fromkeys(plan.form.arms, attacks[: plan.form.worst_attacks])
    runs = []
    for scenario in plan.form.scenarios:
        runs += plan.tuning(scenario) + plan.selection(scenario, rates)
        runs += plan.further_selection(scenario, rates, shortlist) + plan.evaluation(scenario, rates, worst)
    assert plan.count() == len(runs) == len(named(runs))


def test_registered_forms_select_on_seeds_1_and_2_and_judge_on_seeds_from_1001_on() -> None:
    for form in (*REGISTERED, "full"):
        plan = registered(form)
        last = 1008 if form == "six_qubits" else 1012
        assert (plan.selection_seeds, plan.evaluation_seeds) == (range(1, 3), range(1001, last + 1))
    for form in REGISTERED:
        fresh = registered(f"{form}_fresh")
        assert (fresh.selection_seeds, fresh.evaluation_seeds) == (range(1, 9), range(1013, 1025))
        assert fresh.form.scenarios == (form,)
    for form in OTHERS:
        other = registered(form)
        assert (other.selection_seeds, other.evaluation_seeds) == (range(1, 3), range(1001, 1009))
        assert other.form.scenarios == (form,) and other.form.shortlist == len(other.form.attacks)
    every = registered("circuits_128_every")
    assert (every.selection_seeds, every.evaluation_seeds) == (range(1, 9), range(1401, 1425))
    quick = registered("quick")
    assert not {*range(1, 9), *range(1001, 1025)} & {*quick.selection_seeds, *quick.evaluation_seeds}


def test_runs_that_tune_have_a_validation_set_and_runs_that_are_reported_train_on_all() -> None:
    plan = registered("default")
    rates = dict.fromkeys(plan.form.arms, 0.5)
    attacks = {arm: [NO_ATTACK] for arm in plan.form.arms}
    for runs, fraction in (
        (plan.tuning("default"), 0.25),
        (plan.selection("default", rates), 0.0),
        (plan.evaluation("default", rates, attacks), 0.0),
    ):
        data = build(RunSettings, composed_once(list(runs[-1].overrides))).training.data
        assert data.validation_fraction == fraction


def test_without_attack_nobody_is_byzantine_and_the_rule_still_expects_some() -> None:
    plan = registered("full")
    run = plan.run_under("thirty_percent", "mean", NO_ATTACK, choice=1.0, seed=1)
    settings = build(RunSettings, composed_once(list(run.overrides)))
    assert (settings.attacks.fraction, settings.aggregation.byzantine_fraction) == (0.0, 0.3)


@pytest.mark.slow
def test_it_runs_resumes_reports_and_takes_recorded_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [*TINY, f"output={tmp_path}/found"]
    assert main(command) == 0, capsys.readouterr().err
    folder = tmp_path / "found"
    first = json.loads((folder / "summary.json").read_text())
    results = sorted((folder / "runs").glob("*.json"))
    assert len(results) == first["runs"] == len(list(csv.DictReader((folder / "runs.csv").open())))
    (found,) = first["results"]
    assert list(found["gains"]) == ["nnm_trimmed_mean", "mean", "best other"]
    assert all(row["low"] <= row["estimate"] <= row["high"] for row in found["gains"].values())
    assert set(found["claims"].values()) <= {"confirmed", "refuted", "undecided"}
    for name in ("index.html", "default.png", "settings.yaml"):
        assert (folder / name).stat().st_size > 0
    plan = Plan(*read_design(composed_once(TINY)["study"]["design"], "quick"), ())
    assert findings_of(plan, "default", RULES_TABLE.recorded(folder / "runs.csv")) == found, (
        "the table says all that is needed"
    )
    assert "worst case at least 5 points above nnm_trimmed_mean" in capsys.readouterr().out
    untouched = {path: path.stat().st_mtime_ns for path in results[1:]}
    (folder / "runs.csv").rename(tmp_path / "table.csv")
    results[0].unlink()
    assert main(command) == 0
    again = json.loads((folder / "summary.json").read_text())
    assert again["results"] == first["results"]
    assert {path: path.stat().st_mtime_ns for path in results[1:]} == untouched
    monkeypatch.setattr(training_runs, "build_world", None)  # nothing is trained
    recorded = f"study.design.recorded=[{tmp_path}/table.csv]"
    assert main([*command[:-1], f"output={tmp_path}/elsewhere", recorded]) == 0
    taken = json.loads((tmp_path / "elsewhere" / "summary.json").read_text())
    assert taken["results"] == first["results"]
    assert (tmp_path / "elsewhere" / "runs.csv").read_text() == (tmp_path / "table.csv").read_text()


@pytest.mark.parametrize(("words", "message"), [
    (["study.form=tiny"], "study.form must be one of quick, default, circuits_128, six_qubits, default_fresh, "),
    ([f"{FORM}.arms=[mean]"], f"{FORM}.arms must be at least the claimant and another baseline"),
    ([f"{FORM}.arms=[nobody]"], "study.design.arms must be such that every name used is among them, got 'nobody'"),
    ([f"{FORM}.evaluation_seeds=1"], f"{FORM}.evaluation_seeds must be an integer in [2, 1000]"),
    ([f"{FORM}.shortlist=9"], f"{FORM}.shortlist must be from worst_attacks (2) to the number of attacks (3), got 9"),
    ([f"{FORM}.first_evaluation_seed=72"], f"{FORM}.first_evaluation_seed must be such that no seed selects and"),
    ([f"{FORM}.learning_rates=[]"], f"{FORM}.learning_rates must be at least one"),
    ([f"{FORM}.attacks.alie=[]"], f"{FORM}.attacks.alie must be at least one strength"),
    (["study.design.baseline=spectral_filter_discount"], f"{FORM}.arms must be at least the claimant and another"),
    (["processors.count=0"], "processors.count must be an integer in"),
    (["study.design.recorded=[README.md]"], "study.design.recorded must be a list of tables as runs.csv (its columns"),
    (["study.design.recorded=[nowhere.csv]"], "study.design.recorded must be a list of tables as runs.csv ([Errno 2]"),
    (["study.design.nothing=1"], "study.design.nothing must be a known key"),
    (["experiment=headline"], f"experiment must be one of {EXPERIMENTS}, got 'rules, headline'"),
])  # fmt: skip
def test_a_bad_design_is_refused_in_one_line(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["experiment=rules", *words, f"output={tmp_path}/none"]) == 2
    assert capsys.readouterr().err.startswith(message)
    assert not (tmp_path / "none").exists()


def test_an_experiment_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiment=quickstart"]) == 2
    assert capsys.readouterr().err.startswith(f"experiment must be one of {EXPERIMENTS}, got 'quickstart'")
