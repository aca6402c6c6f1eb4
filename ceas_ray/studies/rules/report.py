"""The findings of the experiment on rules: numbers, tables on the console, a plot, a page."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ceas_ray.kernel.streams import Streams
from ceas_ray.reports.intervals import METHOD
from ceas_ray.reports.plots import plot_worst_cases
from ceas_ray.studies.headline.design import Attack
from ceas_ray.studies.headline.statistics import Accuracies, Floats, Result
from ceas_ray.studies.printed_findings import print_verdicts, verdicts
from ceas_ray.studies.result_page import bullets, table_of, write_html
from ceas_ray.studies.rules.design import Plan
from ceas_ray.studies.rules.recorded_runs import RULES_TABLE
from ceas_ray.studies.rules.statistics import RuleGain, accuracies, rule_gain, without_attack, worst_case

Findings = dict[str, Any]
CONFIRMED, REFUTED, UNDECIDED = "confirmed", "refuted", "undecided"
BEST_OTHER = "best other"


def findings(
    plan: Plan, scenario: str, *, rates: Mapping[str, float], attacks: Mapping[str, Sequence[Attack]],
    selected: Sequence[Result], evaluated: Sequence[Result],
) -> Findings:  # fmt: skip
    """Return the findings in a scenario, as plain values. attacks: those that each arm is judged under."""
    design, arms = plan.design, plan.form.arms
    generator = Streams(1).generator("study", "rules", f"signs {scenario}", 0)
    found = accuracies(selected, evaluated, attacks)
    others = [arm for arm in arms if arm != design.claimant]
    against = {arm: [arm] for arm in others} | {BEST_OTHER: others}
    gains = {name: rule_gain(found, design.claimant, over, generator) for name, over in against.items()}
    return {
        "scenario": scenario,
        "intervals": METHOD,
        "chance": max(float(r["chance"]) for r in evaluated),
        "worst": [
            _worst(found, arm, attacks[arm], unharmed=without_attack(evaluated, arm), rate=rates[arm]) for arm in arms
        ],
        "gains": {name: asdict(value) for name, value in gains.items()},
        "cells": [
            {"arm": arm, "attack": attack, "strength": strength, "selected": float(selected_.mean()),
             "accuracy": float(values.mean()), "deviation": float(values.std(ddof=1))}
            for arm in arms
            for (attack, strength), selected_, values in zip(
                attacks[arm], found.selected[arm], found.evaluated[arm], strict=True
            )
        ],
        "claims": _claims(gains, design.baseline, design.margins.get(scenario)),
    }  # fmt: skip


def _worst(found: Accuracies, arm: str, attacks: Sequence[Attack], *, unharmed: Floats, rate: float) -> Findings:
    place, accuracy = worst_case(found, arm)
    attack, strength = attacks[place]
    return {
        "arm": arm, "attack": attack, "strength": strength, "placement": "random", "accuracy": accuracy,
        "deviation": float(found.evaluated[arm][place].std(ddof=1)), "without_attack": float(unharmed.mean()),
        "learning_rate": rate,
    }  # fmt: skip


def _claims(gains: Mapping[str, RuleGain], baseline: str, margin: float | None) -> dict[str, str]:
    """Return the state of every claim; without a margin, none is made over the baseline."""
    over_all = f"worst case above that of every other rule ({gains[BEST_OTHER].over} is the best)"
    claims = {over_all: _verdict(gains[BEST_OTHER], 0.0)}
    if margin is None:
        return claims
    return {f"worst case at least {margin * 100:g} points above {baseline}": _verdict(gains[baseline], margin)} | claims


def _verdict(gain: RuleGain, margin: float) -> str:
    if gain.low >= margin and gain.low > 0:
        return CONFIRMED
    return REFUTED if gain.high < margin else UNDECIDED


def print_findings(all_found: Sequence[Findings]) -> None:
    """Print tables on standard output."""
    console = Console()
    for found in all_found:
        worst = Table("arm", "rate", "worst attack", "accuracy", "no attack", title=f"{found['scenario']}: worst cases")
        for row in found["worst"]:
            worst.add_row(
                row["arm"], f"{row['learning_rate']:g}", f"{row['attack']} x{row['strength']:g}",
                f"{row['accuracy']:.3f} (sd {row['deviation']:.3f})", f"{row['without_attack']:.3f}",
            )  # fmt: skip
        worst.add_row("[i]chance[/i]", "", "", f"{found['chance']:.3f}", "")
        console.print(worst)
        gains = Table("gain over", "points", "95 %", "p", title=f"95 %: {found['intervals']}")
        for row in _gain_rows(found):
            gains.add_row(*(str(value) for value in row.values()))
        console.print(gains)
        print_verdicts(found, console)


def _gain_rows(found: Findings) -> list[dict[str, str]]:
    return [
        {
            "over": name if name != BEST_OTHER else f"{BEST_OTHER}: {row['over']}",
            "points": f"{row['estimate'] * 100:+.1f}",
            "95 %": f"{row['low'] * 100:+.1f} to {row['high'] * 100:+.1f}",
            "p": f"{row['p']:.4f}",
        }
        for name, row in found["gains"].items()
    ]


def write_page(folder: Path, all_found: Sequence[Findings], about: Mapping[str, Any]) -> list[Path]:
    """Write `index.html`, a plot of each scenario and `runs.csv` to the folder; return what was written."""
    parts, written = [], [RULES_TABLE.write(folder)]
    for found in all_found:
        plot = folder / f"{found['scenario']}.png"
        plot_worst_cases(plot, found["worst"], found["chance"])
        written.append(plot)
        parts += [
            f"<h2>{html.escape(found['scenario'])}</h2>", f'<img src="{plot.name}" alt="worst cases">',
            bullets(verdicts(found)),
            f"<h3>Worst cases (chance: {found['chance']:.3f})</h3>", table_of(found["worst"]),
            f"<h3>Gains of the worst case (95 %: {html.escape(found['intervals'])})</h3>", table_of(_gain_rows(found)),
            "<h3>All attacks that arms are judged under</h3>", table_of(found["cells"]),
        ]  # fmt: skip
    return [write_html(folder, "Rules under attack", about, parts), *written]
