"""The findings of the experiment on awareness: numbers, tables on the console, a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ceas_ray.kernel.streams import Streams
from ceas_ray.reports.intervals import METHOD
from ceas_ray.studies.awareness.design import Plan, Setting
from ceas_ray.studies.awareness.recorded_runs import AWARENESS_TABLE
from ceas_ray.studies.awareness.statistics import (
    MEASURES,
    Ratio,
    accuracy_at,
    chosen_settings,
    judged_arms,
    of_setting,
    ratio,
    selected_need,
    tables,
    worst_need,
)
from ceas_ray.studies.headline.statistics import Accuracies, Result
from ceas_ray.studies.printed_findings import print_tables, sections, verdicts
from ceas_ray.studies.result_page import bullets, write_html
from ceas_ray.studies.rules.report import CONFIRMED, REFUTED, UNDECIDED

Findings = dict[str, Any]
WHOLE, KNOWING, OPTIMISING = "whole", "knowing", "optimising"


def findings(plan: Plan, scenario: str, selected: Sequence[Result], evaluated: Sequence[Result]) -> Findings:
    """Return all that is claimed of a scenario, as plain values."""
    design = plan.design
    settings = chosen_settings(plan, selected)
    arms = judged_arms(plan, selected, settings)
    of_arms = {arm: settings[arm] for arm in arms}
    found = {measure: tables(plan, selected, evaluated, settings=of_arms, measure=measure) for measure in MEASURES}
    generator = Streams(1).generator("study", "awareness", f"signs {scenario}", 0)
    blind = [arm for arm in arms if arm in plan.oblivious]
    pairs_of_arms = {WHOLE: (design.claimant, blind)}
    if design.knowing in arms:
        pairs_of_arms |= {KNOWING: (design.knowing, blind), OPTIMISING: (design.claimant, [design.knowing])}
    ratios = {
        f"{measure} {name}": ratio(found[measure], of, over, measure=measure, generator=generator)
        for measure in MEASURES
        for name, (of, over) in pairs_of_arms.items()
    }
    censored = sum(not r["reached"] for r in evaluated if r["arm"] == design.claimant)
    return {
        "scenario": scenario,
        "intervals": METHOD,
        "selected": _selected(plan, selected, settings),
        "worst": [_needs(plan, found, arm, setting=settings[arm], evaluated=evaluated) for arm in arms],
        "gains": {name: asdict(value) for name, value in ratios.items()},
        "claims": _claims(plan, scenario, ratios[f"pairs {WHOLE}"], censored),
    }


def _selected(plan: Plan, selected: Sequence[Result], settings: Mapping[str, Setting]) -> list[Findings]:
    budget = plan.form.pair_budget
    return [
        {"arm": arm, "circuits": settings[arm][0], "learning_rate": settings[arm][1],
         "pairs": selected_need(selected, arm, settings[arm], budget),
         "reached": all(r["reached"] for r in selected if r["arm"] == arm and of_setting(r) == settings[arm])}
        for arm in plan.form.arms
    ]  # fmt: skip


def _needs(
    plan: Plan, found: Mapping[str, Accuracies], arm: str, *, setting: Setting, evaluated: Sequence[Result]
) -> Findings:
    attack, pairs = worst_need(found["pairs"], arm)
    name, strength = plan.attacks[attack]
    _, least = worst_need(found["pairs"], plan.design.claimant)
    of_arm = [r for r in evaluated if r["arm"] == arm]
    there = [r for r in of_arm if r["attack"] == name]
    return {
        "arm": arm, "circuits": setting[0], "learning_rate": setting[1], "attack": name, "strength": strength,
        "pairs": pairs, "all_pairs": worst_need(found["all_pairs"], arm)[1],
        "simulated_seconds": worst_need(found["simulated_seconds"], arm)[1],
        "rounds": float(np.mean([r["rounds"] for r in there])),
        "reached": sum(bool(r["reached"]) for r in of_arm), "runs": len(of_arm),
        "accuracy": float(np.mean([accuracy_at(r, least) for r in there])),
    }  # fmt: skip


def _claims(plan: Plan, scenario: str, found: Ratio, censored: int) -> dict[str, str]:
    """Return how the claim stands; none is made without a factor. censored: runs of the claimant."""
    factor = plan.design.factors.get(scenario)
    if factor is None:
        return {}
    verdict = UNDECIDED
    if found.high < factor:
        verdict = REFUTED
    elif found.low >= factor and not censored:
        verdict = CONFIRMED
    return {f"{found.of} needs at most 1/{factor:g} of the pairs of the best without the timetable": verdict}


def print_findings(all_found: Sequence[Findings]) -> None:
    """Print tables and verdicts on standard output."""
    print_tables(all_found, _tables)


def _tables(found: Findings) -> list[tuple[str, list[dict[str, str]]]]:
    """Return all tables of a scenario in words, by title."""
    selected = [
        {"arm": row["arm"], "circuits": str(row["circuits"]), "rate": f"{row['learning_rate']:g}",
         "pairs": f"{row['pairs']:,.0f}", "reached": "yes" if row["reached"] else "no"}
        for row in found["selected"]
    ]  # fmt: skip
    worst = [
        {"arm": row["arm"], "circuits": str(row["circuits"]), "worst attack": f"{row['attack']} x{row['strength']:g}",
         "pairs": f"{row['pairs']:,.0f}", "with keys": f"{row['all_pairs']:,.0f}",
         "seconds": f"{row['simulated_seconds']:,.0f}", "reached": f"{row['reached']} of {row['runs']}",
         "accuracy at the claimant's pairs": f"{row['accuracy']:.3f}"}
        for row in found["worst"]
    ]  # fmt: skip
    gains = [
        {"ratio": name, "of": row["over"], "over": row["of"], "estimate": f"{row['ratio']:.2f}",
         "95 %": f"{row['low']:.2f} to {row['high']:.2f}", "p": f"{row['p']:.4f}"}
        for name, row in found["gains"].items()
    ]  # fmt: skip
    scenario = found["scenario"]
    return [
        (f"{scenario}: on the selection seeds", selected),
        (f"{scenario}: until the level, worst attack", worst),
        (f"{scenario}: what the other needs over what the first needs; 95 %: {found['intervals']}", gains),
    ]


def write_page(folder: Path, all_found: Sequence[Findings], about: Mapping[str, Any]) -> list[Path]:
    """Write `index.html` and `runs.csv` to the folder; return what was written."""
    parts, written = [], [AWARENESS_TABLE.write(folder)]
    for found in all_found:
        parts += [bullets(verdicts(found)), *sections(_tables(found))]
    return [write_html(folder, "Awareness of the timetable", about, parts), *written]
