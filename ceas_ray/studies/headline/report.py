"""The findings of the experiment: numbers, a table on the console, a plot, an HTML page."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from ceas_ray.kernel.streams import Streams
from ceas_ray.reports.intervals import METHOD
from ceas_ray.reports.plots import plot_worst_cases
from ceas_ray.studies.headline.design import Design, Form
from ceas_ray.studies.headline.statistics import (
    Accuracies,
    Difference,
    Gain,
    Result,
    by_cell,
    gain,
    gain_of_best_links,
    gain_of_lying,
    holm,
)
from ceas_ray.studies.printed_findings import print_verdicts, verdicts
from ceas_ray.studies.result_page import bullets, table_of, write_html

Findings = dict[str, Any]
MIN_GAIN, SMALLEST = 0.15, math.ulp(0.0)
REACHED, NOT_REACHED, NOT_RUN = "reached", "NOT reached", "not run"
ESTIMATE = "estimate only, its bound does not reach it"


def _opponents(design: Design, form: Form) -> dict[str, list[str]]:
    """Return the arms that the claimant is compared with, by the name of the comparison."""
    robust = [arm for arm in design.robust if arm in form.arms]
    against = {"plain": [design.plain], "robust": robust, "flat": [design.flat]}
    if design.self_reported in form.arms:
        against["self_reported"] = [design.self_reported]
    compared = {design.claimant, *(arm for arms in against.values() for arm in arms)}
    return against | {arm: [arm] for arm in form.arms if arm not in compared}


def findings(
    design: Design, form: Form, scenario: str, *, found: Accuracies, results: Sequence[Result],
    rates: Mapping[str, float], strengths: Mapping[tuple[str, str, str], float],
) -> Findings:  # fmt: skip
    """Return all that is claimed of a scenario, as plain values. results: of the evaluation."""
    generator = Streams(1).generator("study", "headline", f"signs {scenario}", 0)
    against = _opponents(design, form)
    gains = {name: gain(found, design.claimant, arms, generator) for name, arms in against.items()}
    per_attack = [
        gain(found.restricted(a), design.claimant, against["robust"], generator) for a in range(len(found.attacks))
    ]
    against_flat = by_cell(found, design.claimant, design.flat)
    lies = {
        arm: gain_of_lying(found, arm, "inner_product", "false_fidelity")
        for arm in (design.claimant, design.self_reported)
        if arm in form.arms
    }
    best_links = gain_of_best_links(found, design.claimant)
    adjusted = holm([of_attack.p for of_attack in per_attack])
    return {
        "scenario": scenario,
        "intervals": METHOD,
        "chance": max(float(r["chance"]) for r in results),
        "learning_rates": dict(rates),
        "worst": [_worst(found, arm, strengths) for arm in form.arms],
        "gains": {name: asdict(value) for name, value in gains.items()},
        "gains_by_attack": [
            asdict(value) | {"attack": attack, "p_holm": p}
            for attack, value, p in zip(found.attacks, per_attack, adjusted, strict=True)
        ],
        "against_flat": [asdict(cell) for cell in against_flat],
        "gain_of_lying": [asdict(cell) | {"arm": arm} for arm, of_arm in lies.items() for cell in of_arm],
        "gain_of_best_links": [asdict(cell) for cell in best_links],
        "cells": [_cell(r, results) for r in _firsts(results)],
        "claims": (
            _control_claims(gains["flat"], design.margin)
            if scenario == list(design.scenarios)[-1]
            else _claims(gains, against_flat, lies=lies[design.claimant], best_links=best_links, margin=design.margin)
        ),
    }


def _worst(found: Accuracies, arm: str, strengths: Mapping[tuple[str, str, str], float]) -> Findings:
    attack, placement = found.worst(arm)
    values = found.evaluated[arm][attack, placement]
    names = found.attacks[attack], found.placements[placement]
    return {
        "arm": arm, "attack": names[0], "placement": names[1], "strength": strengths[(arm, *names)],
        "accuracy": float(values.mean()), "deviation": float(values.std(ddof=1)),
    }  # fmt: skip


def _firsts(results: Sequence[Result]) -> list[Result]:
    return list({(r["arm"], r["attack"], r["placement"]): r for r in results}.values())


def _cell(first: Result, results: Sequence[Result]) -> Findings:
    names = ("arm", "attack", "placement", "strength")
    of_cell = [r for r in results if all(r[name] == first[name] for name in names)]
    losses = [r["loss"] for r in of_cell if r["loss"] is not None]
    return {name: first[name] for name in names} | {
        "accuracy": float(np.mean([r["accuracy"] for r in of_cell])),
        "loss": float(np.mean(losses)) if losses else None,
        "seeds": len(of_cell),
    }


def _verdict(estimates_and_bounds: Sequence[tuple[float, float]], threshold: float) -> str:
    """Return how the claim stands that every value is at least `threshold`: reached only where every lower bound is."""
    if not estimates_and_bounds:
        return NOT_RUN
    if all(bound >= threshold for _, bound in estimates_and_bounds):
        return REACHED
    return ESTIMATE if all(estimate >= threshold for estimate, _ in estimates_and_bounds) else NOT_REACHED


def _claims(
    gains: Mapping[str, Gain], against_flat: Sequence[Difference], *, lies: Sequence[Difference],
    best_links: Sequence[Difference], margin: float,
) -> dict[str, str]:  # fmt: skip
    """Return how every claim stands. That something gains nothing is shown by upper bounds below the margin alone."""
    plain, robust, points = gains["plain"], gains["robust"], f"{margin * 100:g} points"
    return {
        f"worst case at least {MIN_GAIN * 100:.0f} points above the plain mean": _verdict(
            [(plain.mean, plain.low)], MIN_GAIN
        ),
        "worst case above the best robust rule": _verdict([(robust.mean, robust.low)], SMALLEST),
        f"not inferior to flat weights by {points} under any attack and placement run": _verdict(
            [(cell.mean, cell.one_sided_low) for cell in against_flat], -margin
        ),
        f"lying about fidelity gains at most {points}": _verdict(_upwards(lies), -margin),
        f"owning the best links gains at most {points}": _verdict(_upwards(best_links), -margin),
    }


def _upwards(gains: Sequence[Difference]) -> list[tuple[float, float]]:
    return [(-cell.mean, -cell.one_sided_high) for cell in gains]


def _control_claims(flat: Gain, margin: float) -> dict[str, str]:
    ends = [(flat.mean, flat.low), (-flat.mean, -flat.high)]
    return {f"control: differs from flat weights by at most {margin * 100:g} points": _verdict(ends, -margin)}


def print_findings(all_found: Sequence[Findings]) -> None:
    """Print tables on standard output."""
    console = Console()
    for found in all_found:
        table = Table(
            "arm", "worst attack", "strength", "placement", "accuracy", title=f"{found['scenario']}: worst cases"
        )
        for row in found["worst"]:
            table.add_row(
                row["arm"], row["attack"], f"{row['strength']:g}", row["placement"],
                f"{row['accuracy']:.3f} (sd {row['deviation']:.3f})",
            )  # fmt: skip
        table.add_row("[i]chance[/i]", "", "", "", f"{found['chance']:.3f}")
        console.print(table)
        gains = Table("gain over", "arm", "points", "95 %", "p", title=f"95 %: {found['intervals']}")
        for name, row in found["gains"].items():
            gains.add_row(name, row["over"], *_gain_words(row), f"{row['p']:.3f}")
        for row in found["gains_by_attack"]:
            gains.add_row(f"robust, {row['attack']}", row["over"], *_gain_words(row), f"{row['p_holm']:.3f} (Holm)")
        console.print(gains)
        print_verdicts(found, console)


def _gain_words(row: Mapping[str, Any]) -> tuple[str, str]:
    return f"{row['mean'] * 100:+.1f}", f"{row['low'] * 100:+.1f} to {row['high'] * 100:+.1f}"


def _gain_columns(row: Mapping[str, Any]) -> dict[str, str]:
    points, interval = _gain_words(row)
    return {"points": points, "95 %": interval}


def write_page(folder: Path, all_found: Sequence[Findings], about: Mapping[str, Any]) -> list[Path]:
    """Write `index.html` and a plot of each scenario to the folder; return what was written."""
    parts, written = [], []
    for found in all_found:
        plot = folder / f"{found['scenario']}.png"
        plot_worst_cases(plot, found["worst"], found["chance"])
        written.append(plot)
        gains = [
            {"over": name, "arm": row["over"]} | _gain_columns(row) | {"p": row["p"]}
            for name, row in found["gains"].items()
        ]
        by_attack = [
            {"attack": row["attack"], "over": row["over"]} | _gain_columns(row) | {"p (Holm)": row["p_holm"]}
            for row in found["gains_by_attack"]
        ]
        parts += [
            f"<h2>{html.escape(found['scenario'])}</h2>", f'<img src="{plot.name}" alt="worst cases">',
            bullets(verdicts(found)),
            "<h3>Worst cases (chance: {:.3f})</h3>".format(found["chance"]), table_of(found["worst"]),
            f"<h3>Gains of the worst case (95 %: {html.escape(found['intervals'])})</h3>", table_of(gains),
            "<h3>Over the best robust rule, by attack</h3>",
            table_of(by_attack), "<h3>Against flat weights</h3>", table_of(found["against_flat"]),
            "<h3>What lying about fidelity gains</h3>", table_of(found["gain_of_lying"]),
            "<h3>What owning the best links gains</h3>", table_of(found["gain_of_best_links"]), "<h3>All cells</h3>",
            table_of(found["cells"]),
        ]  # fmt: skip
    return [write_html(folder, "The headline experiment", about, parts), *written]
