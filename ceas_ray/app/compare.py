"""CEAS against the oblivious preset, under every attack and placement, at the strength that breaks a plain mean.

usage: scripts/compare [--seeds 5] [--strengths 1,2,4,8] [key=value ...]

For each attack the strength is the least of those given at which the plain mean (otherwise as in CEAS, random
placement, mean of the first three seeds) loses at least 10 points against no attack; then both presets run on all
seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np
from rich.console import Console
from rich.table import Table

from ceas_ray.app.compose import composed
from ceas_ray.app.settings import RunSettings
from ceas_ray.app.settings_checks import SettingsError, build
from ceas_ray.app.world import build_world
from ceas_ray.kernel.windows import Simulation
from ceas_ray.runtime.local_runtime import LocalCluster

ATTACKS = ("sign_flip", "alie", "inner_product")
PLACEMENTS = ("random", "best_links")
NORMAL_95 = 1.96
SEARCH_SEEDS = 3


def final_accuracy(overrides: Sequence[str]) -> float:
    """The test accuracy after a run in this process, nothing written."""
    world = build_world(build(RunSettings, composed(list(overrides))))
    parameters = world.initial_parameters
    for end in Simulation(LocalCluster(world.one_host())).rounds():
        parameters = end.mark.model
    return world.evaluation(parameters)[1]


def main() -> int:
    """Run the comparison; prints a table and one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--strengths", default="1,2,4,8")
    parser.add_argument("overrides", nargs="*")
    chosen = parser.parse_args()
    strengths = [float(strength) for strength in chosen.strengths.split(",")]
    try:
        build_world(build(RunSettings, composed(chosen.overrides)))
        with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
            rows = _compare(pool, chosen.overrides, strengths, range(1, chosen.seeds + 1))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    _print(rows)
    return 0


def _compare(
    pool: ProcessPoolExecutor, overrides: list[str], strengths: list[float], seeds: range
) -> list[dict[str, object]]:
    plain = [*overrides, "aggregation=mean"]
    search = [[*plain, "attacks=none"]]
    search += [[*plain, f"attacks={attack}", f"attacks.strength={s}"] for attack in ATTACKS for s in strengths]
    tried = seeds[:SEARCH_SEEDS]
    found_at = pool.map(final_accuracy, [[*job, f"seed={seed}"] for job in search for seed in tried])
    untouched, *broken = np.array(list(found_at)).reshape(len(search), len(tried)).mean(axis=1).tolist()
    rows: list[dict[str, object]] = []
    for number, attack in enumerate(ATTACKS):
        found = broken[number * len(strengths) : (number + 1) * len(strengths)]
        enough = [s for s, accuracy in zip(strengths, found, strict=True) if untouched - accuracy >= 0.10]
        strength = enough[0] if enough else strengths[int(np.argmin(found))]
        for placement in PLACEMENTS:
            jobs = [
                [*overrides, f"experiment={preset}", f"attacks={attack}", f"attacks.strength={strength}",
                 f"attacks.placement={placement}", f"seed={seed}"]
                for preset in ("quickstart", "oblivious")
                for seed in seeds
            ]  # fmt: skip
            accuracies = np.array(list(pool.map(final_accuracy, jobs))).reshape(2, len(seeds))
            gain = accuracies[0] - accuracies[1]
            half = NORMAL_95 * float(np.std(gain, ddof=1)) / len(gain) ** 0.5 if len(gain) > 1 else float("nan")
            rows.append({
                "attack": attack, "strength": strength, "mean_breaks": bool(enough), "placement": placement,
                "plain_mean_loss": untouched - found[strengths.index(strength)], "ceas": float(accuracies[0].mean()),
                "oblivious": float(accuracies[1].mean()), "gain": float(gain.mean()), "half_width_95": half,
                "ceas_all": accuracies[0].tolist(), "oblivious_all": accuracies[1].tolist(),
            })  # fmt: skip
            print(f"{attack} {placement} x{strength}: gain {gain.mean():+.3f} +- {half:.3f}", file=sys.stderr)
    return rows


def _print(rows: list[dict[str, object]]) -> None:
    table = Table("attack", "strength", "placement", "plain mean loses", "CEAS", "oblivious", "gain (95 %)")
    for row in rows:
        table.add_row(
            str(row["attack"]), str(row["strength"]), str(row["placement"]), f"{row['plain_mean_loss']:.3f}",
            f"{row['ceas']:.3f}", f"{row['oblivious']:.3f}", f"{row['gain']:+.3f} +- {row['half_width_95']:.3f}",
        )  # fmt: skip
    Console().print(table)
    print(json.dumps(rows))


if __name__ == "__main__":
    sys.exit(main())
