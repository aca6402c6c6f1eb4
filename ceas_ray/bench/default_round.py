"""A round of the default scenario: CPU and wall time, by part.

usage: scripts/bench round [--rounds N] [--quick] [--json] [key=value ...]

All actors are on one host of this process. Gradients, links, replicas, the manager with the hub, and processors are the
time of these actors; the framework is everything else: heap, encoding, digests.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from ceas_ray.bench.figures import machine, spread
from ceas_ray.bench.round_parts import PARTS, LocalRounds
from ceas_ray.config.composition import composed
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.kernel.garbage import old_objects_left_out

WARM_ROUNDS, ROUNDS, QUICK_ROUNDS = 3, 20, 2

Turn = dict[str, float]
"""Milliseconds of a round by name: `wall`, `CPU`, and parts."""


def main(words: list[str]) -> dict[str, Any]:
    """Return the benchmark's figures. Raises SettingsError for bad overrides."""
    parser = argparse.ArgumentParser(prog="scripts/bench round", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"rounds of each (default: {ROUNDS})")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings other than the default ones")
    chosen = parser.parse_args(words)
    rounds = QUICK_ROUNDS if chosen.quick else max(1, chosen.rounds)
    last = f"training.rounds={WARM_ROUNDS + rounds + 1}"
    settings = build(RunSettings, composed([*chosen.overrides, last]))
    local = LocalRounds(settings)
    with old_objects_left_out():
        turns = [_local(local) for _ in range(WARM_ROUNDS + rounds)][WARM_ROUNDS:]
    print(f"{rounds} rounds, after {WARM_ROUNDS} of warm-up", file=sys.stderr)
    return {
        "rows": [_row(turns)],
        "processors": settings.processors.count, "rounds": rounds, "machine": machine(),
    }  # fmt: skip


def _row(turns: list[Turn]) -> dict[str, Any]:
    row: dict[str, Any] = {"runtime": "local, one host"}
    for kind in ("wall", "CPU"):
        row[f"{kind}_ms"] = spread((turn[kind] for turn in turns), 1)
    row |= {f"{part}_ms": spread((turn[part] for turn in turns), 1)["median"] for part in PARTS}
    return row | {"envelopes": turns[-1]["envelopes"], "windows": turns[-1]["windows"]}


def _local(rounds: LocalRounds) -> Turn:
    started = time.perf_counter()
    end, parts = rounds.next()
    wall = (time.perf_counter() - started) * 1e3
    return {"wall": wall, "CPU": sum(parts.values()), **parts, "envelopes": end.handled, "windows": end.windows}
