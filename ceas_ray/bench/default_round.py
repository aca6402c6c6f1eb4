"""A round of the default scenario: CPU and wall time, by part; with --ray beside rounds on Ray.

usage: scripts/bench round [--ray] [--rounds N] [--quick] [--json] [key=value ...]

Locally, all actors are on one host of this process; gradients, links, replicas, the manager with the hub and processors
are what these spend, the framework is all else: heap, encoding, digests. With --ray, rounds on
Ray with one host of processors and one of links, and with two and two, take turns with local ones; their CPU time is
that of all processes.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from ceas_ray.bench.figures import machine, spread
from ceas_ray.bench.round_parts import PARTS, LocalRounds
from ceas_ray.config.composition import composed
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.kernel.garbage import old_objects_left_out
from ceas_ray.kernel.windows import Simulation
from ceas_ray.runtime.available_cpus import available_cpus
from ceas_ray.world.builder import build_world

WARM_ROUNDS, ROUNDS, QUICK_ROUNDS = 3, 20, 2
RAY_HOSTS = (1, 2)

Turn = dict[str, float]
"""Milliseconds of a round by name: `wall`, `CPU`, and parts."""


def main(words: list[str]) -> dict[str, Any]:
    """Return the benchmark's figures. Raises SettingsError for bad overrides."""
    parser = argparse.ArgumentParser(prog="scripts/bench round", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--ray", action="store_true", help="also on Ray, one host of each kind and two")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"rounds of each (default: {ROUNDS})")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings other than the default ones")
    chosen = parser.parse_args(words)
    rounds = QUICK_ROUNDS if chosen.quick else max(1, chosen.rounds)
    last = f"training.rounds={WARM_ROUNDS + rounds + 1}"
    settings = build(RunSettings, composed([*chosen.overrides, last]))
    local = LocalRounds(settings)
    with _on_ray(settings, RAY_HOSTS if chosen.ray else ()) as on_ray, old_objects_left_out():
        turns = _turns({"local, one host": lambda: _local(local)} | on_ray, rounds)
    return {
        "rows": [_row(name, found, turns["local, one host"]) for name, found in turns.items()],
        "processors": settings.processors.count, "rounds": rounds, "machine": machine(),
    }  # fmt: skip


def _turns(rounds_of: dict[str, Callable[[], Turn]], rounds: int) -> dict[str, list[Turn]]:
    """Run rounds in turn, those of the warm-up first."""
    found: dict[str, list[Turn]] = {name: [] for name in rounds_of}
    for number in range(WARM_ROUNDS + rounds):
        for name, one_round in rounds_of.items():
            turn = one_round()
            if number >= WARM_ROUNDS:
                found[name].append(turn)
    print(f"{rounds} rounds of each, after {WARM_ROUNDS} of warm-up", file=sys.stderr)
    return found


def _row(name: str, turns: list[Turn], local: list[Turn]) -> dict[str, Any]:
    row: dict[str, Any] = {"runtime": name}
    for kind in ("wall", "CPU"):
        row[f"{kind}_ms"] = spread((turn[kind] for turn in turns), 1)
    row["local_over_this_wall"] = spread(mine["wall"] / turn["wall"] for mine, turn in zip(local, turns, strict=True))
    row |= {f"{part}_ms": spread((turn[part] for turn in turns), 1)["median"] for part in PARTS if part in turns[0]}
    return row | {"envelopes": turns[-1]["envelopes"], "windows": turns[-1]["windows"]}


def _local(rounds: LocalRounds) -> Turn:
    started = time.perf_counter()
    end, parts = rounds.next()
    wall = (time.perf_counter() - started) * 1e3
    return {"wall": wall, "CPU": sum(parts.values()), **parts, "envelopes": end.handled, "windows": end.windows}


@contextmanager
def _on_ray(settings: RunSettings, counts: tuple[int, ...]) -> Iterator[dict[str, Callable[[], Turn]]]:
    """Yield what runs a round on Ray, for each number of hosts of processors and of links."""
    if not counts:
        yield {}
        return
    from ceas_ray.runtime.ray_runtime import RayCluster, ray_cluster

    with ray_cluster(None, available_cpus(), False):
        clusters = [RayCluster(build_world(settings).hosts(count, count), allow_mixed_hosts=False) for count in counts]
        yield {
            f"Ray, {count} and {count}": _ray_rounds(Simulation(cluster))
            for count, cluster in zip(counts, clusters, strict=True)
        }


def _ray_rounds(simulation: Simulation) -> Callable[[], Turn]:
    rounds = simulation.rounds()

    def turn() -> Turn:
        spent, started = _cpu_seconds(), time.perf_counter()
        end = next(rounds)
        wall = time.perf_counter() - started
        cpu = _cpu_seconds() - spent
        return {"wall": wall * 1e3, "CPU": cpu * 1e3, "envelopes": end.handled, "windows": end.windows}

    return turn


def _cpu_seconds() -> float:
    """CPU seconds of this process and of those that it started, so far."""
    process = psutil.Process()
    times = [one.cpu_times() for one in [process, *process.children(recursive=True)]]
    return float(sum(one.user + one.system for one in times))
