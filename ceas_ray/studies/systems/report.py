"""The findings of the experiments on whole systems: numbers, tables on the console, plots, a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ceas_ray.kernel.streams import Streams
from ceas_ray.reports.intervals import METHOD
from ceas_ray.reports.plots import plot_worst_cases
from ceas_ray.studies.awareness.design import Setting
from ceas_ray.studies.headline.statistics import Accuracies, Result, clipped
from ceas_ray.studies.printed_findings import print_tables, sections, verdicts
from ceas_ray.studies.result_page import bullets, table_of, write_html
from ceas_ray.studies.rules.report import CONFIRMED, REFUTED, UNDECIDED
from ceas_ray.studies.rules.statistics import RuleGain, rule_gain, worst_case
from ceas_ray.studies.systems.design import Condition, Plan
from ceas_ray.studies.systems.recorded_runs import SYSTEMS_TABLE
from ceas_ray.studies.systems.statistics import (
    VarianceGain,
    accuracies,
    as_rows,
    condition_of,
    variance_gain,
    without_attack,
)

Findings = dict[str, Any]
TAKEN = ("rounds", "pairs", "all_pairs", "simulated_seconds")


def findings(
    plan: Plan, scenario: str, *, settings: Mapping[str, Setting], conditions: Mapping[str, Sequence[Condition]],
    selected: Sequence[Result], evaluated: Sequence[Result],
) -> Findings:  # fmt: skip
    """Return the findings in a scenario, as plain values. conditions: those that each arm is judged under."""
    design, arms, experiment = plan.design, plan.form.arms, plan.design.experiment
    generator = Streams(1).generator("study", experiment, f"signs {scenario}", 0)
    found = accuracies(selected, evaluated, conditions)
    gains = {name: rule_gain(found, of, others, generator) for name, (of, *others) in plan.form.comparisons.items()}
    variances = [variance_gain(evaluated, arm) for arm in arms]
    return {
        "scenario": scenario,
        "intervals": METHOD,
        "chance": max(float(r["chance"]) for r in evaluated),
        "worst": [_worst(found, arm, conditions[arm], setting=settings[arm], evaluated=evaluated) for arm in arms],
        "gains": {name: asdict(value) for name, value in gains.items()},
        "variances": as_rows(variances),
        "cells": _cells(found, conditions),
        "claims": _claims(gains, design.margins) | _bounds([v for v in variances if v and v.arm in design.bounded]),
    }


def _cells(found: Accuracies, conditions: Mapping[str, Sequence[Condition]]) -> list[Findings]:
    return [
        {"arm": arm, "attack": attack, "strength": strength, "placement": placement,
         "selected": float(selected.mean()), "accuracy": float(values.mean()), "deviation": float(values.std(ddof=1))}
        for arm, of_arm in conditions.items()
        for (attack, strength, placement), selected, values in zip(
            of_arm, found.selected[arm], found.evaluated[arm], strict=True
        )
    ]  # fmt: skip


def _worst(
    found: Accuracies, arm: str, conditions: Sequence[Condition], *, setting: Setting, evaluated: Sequence[Result]
) -> Findings:
    place, accuracy = worst_case(found, arm)
    attack, strength, placement = conditions[place]
    there = [r for r in evaluated if r["arm"] == arm and condition_of(r) == conditions[place]]
    return {
        "arm": arm, "attack": attack, "strength": strength, "placement": placement, "accuracy": accuracy,
        "deviation": float(found.evaluated[arm][place].std(ddof=1)),
        "without_attack": float(np.mean([clipped(r) for r in without_attack(evaluated, arm)])),
        "circuits": setting[0], "learning_rate": setting[1],
        **{name: float(np.mean([r[name] for r in there])) for name in TAKEN},
    }  # fmt: skip


def _claims(gains: Mapping[str, RuleGain], margins: Mapping[str, float]) -> dict[str, str]:
    claims = {}
    for name, gain in gains.items():
        if name in margins:
            verdict = CONFIRMED if gain.low >= margins[name] and gain.low > 0 else UNDECIDED
            verdict = REFUTED if gain.high < margins[name] else verdict
            claims[f"worst case of {gain.of} at least {margins[name] * 100:g} points above {gain.over}"] = verdict
    return claims


def _bounds(variances: Sequence[VarianceGain]) -> dict[str, str]:
    claims = {}
    for found in variances:
        verdict = CONFIRMED if found.high <= 0 else UNDECIDED
        claims[f"weights of {found.arm} gain at most 1 + cv^2 in variance"] = REFUTED if found.low > 0 else verdict
    return claims


def print_findings(all_found: Sequence[Findings]) -> None:
    """Print tables and verdicts on standard output."""
    print_tables(all_found, _tables)


def _tables(found: Findings) -> list[tuple[str, list[dict[str, str]]]]:
    """Return all tables of a scenario in words, by title."""
    worst = [
        {"arm": row["arm"], "circuits": str(row["circuits"]), "rate": f"{row['learning_rate']:g}",
         "worst condition": f"{row['attack']} x{row['strength']:g}, {row['placement']}",
         "accuracy": f"{row['accuracy']:.3f} (sd {row['deviation']:.3f})", "no attack": f"{row['without_attack']:.3f}",
         "rounds": f"{row['rounds']:.1f}", "pairs": f"{row['pairs']:,.0f}", "with keys": f"{row['all_pairs']:,.0f}"}
        for row in found["worst"]
    ]  # fmt: skip
    gains = [
        {"comparison": name, "of": row["of"], "over": row["over"], "points": f"{row['estimate'] * 100:+.1f}",
         "95 %": f"{row['low'] * 100:+.1f} to {row['high'] * 100:+.1f}", "p": f"{row['p']:.4f}"}
        for name, row in found["gains"].items()
    ]  # fmt: skip
    variances = [
        {"arm": row["arm"], "cv of contrasts": f"{row['contrast_cv']:.3f}", "gain in variance": f"{row['gain']:.4f}",
         "1 + cv^2": f"{row['bound']:.4f}", "most": f"{row['most']:.4f}",
         "gain - (1 + cv^2)": f"{row['excess']:+.4f} ({row['low']:+.4f} to {row['high']:+.4f})"}
        for row in found["variances"]
    ]  # fmt: skip
    scenario = found["scenario"]
    return [
        (f"{scenario}: worst cases (chance: {found['chance']:.3f})", worst),
        (f"{scenario}: gains of the worst case (95 %: {found['intervals']})", gains),
        (f"{scenario}: variance of gradients without attack", variances),
    ]


def write_page(folder: Path, all_found: Sequence[Findings], about: Mapping[str, Any]) -> list[Path]:
    """Write `index.html`, a plot of each scenario and `runs.csv` to the folder; return what was written."""
    parts, written = [], [SYSTEMS_TABLE.write(folder)]
    for found in all_found:
        plot = folder / f"{found['scenario']}.png"
        plot_worst_cases(plot, found["worst"], found["chance"])
        written.append(plot)
        parts += [f'<img src="{plot.name}" alt="worst cases">', bullets(verdicts(found)), *sections(_tables(found))]
        parts += ["<h3>All conditions that arms are judged under</h3>", table_of(found["cells"])]
    return [write_html(folder, f"Whole systems: {about['form']}", about, parts), *written]
