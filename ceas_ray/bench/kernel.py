"""The kernel alone, beside SimPy: hops of PHOLD per CPU second.

usage: scripts/bench kernel [--simpy PYTHON | --peers] [--repeats N] [--quick] [--json]

PHOLD: 64 actors hand on 4 tokens each, to receivers and after delays drawn at random. Here with the total order and all
digests, on one host. SimPy (`--simpy`: the Python of an environment that has it; `--peers`: made, pinned) runs the same
draws to the same hops, which is checked, in two ways: `stores`, an actor being a process that waits at its store, and
`callbacks`, one bare timeout a hop without any actor; neither has digests. All take turns in one run, each in a
process of its own.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from ceas_ray.bench import kernel_peers
from ceas_ray.bench.figures import machine, spread
from ceas_ray.bench.peer_environments import python_with
from ceas_ray.bench.phold import measured
from ceas_ray.bench.processes import figures_of_module, figures_of_peer
from ceas_ray.config.errors import UnusableSettings

REPEATS, UNTIL, QUICK_UNTIL = 7, 1_000_000_000, 20_000_000
WAYS = ("stores", "callbacks")


def main(words: list[str]) -> dict[str, Any]:
    """Return the benchmark's figures. Raises SettingsError if SimPy cannot run, or makes other hops."""
    parser = argparse.ArgumentParser(prog="scripts/bench kernel", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--simpy", help="the Python of an environment with SimPy")
    parser.add_argument("--peers", action="store_true", help="make the environment of SimPy if there is none")
    parser.add_argument("--repeats", type=int, default=REPEATS, help=f"turns of each (default: {REPEATS})")
    parser.add_argument("--quick", action="store_true", help="one short turn of each")
    parser.add_argument("--case", type=int, metavar="TIME", help="ours alone until this time (ps), in this process")
    chosen = parser.parse_args(words)
    if chosen.case:
        return measured(chosen.case)
    until, repeats = (QUICK_UNTIL, 1) if chosen.quick else (UNTIL, max(1, chosen.repeats))
    python = python_with("simpy") if chosen.peers else chosen.simpy
    turns: list[dict[str, dict[str, Any]]] = []
    for number in range(repeats):
        turns.append(_turn(until, python))
        print(f"turn {number + 1} of {repeats}", file=sys.stderr)
    rates = {name: [_rate(turn[name]) for turn in turns] for name in turns[0]}
    rows = [
        {
            "kernel": name, "hops_per_CPU_second": spread(found, 0),
            "ours_over_this": spread((ours / other for ours, other in zip(rates["ceas_ray"], found, strict=True)), 2),
        }
        for name, found in rates.items()
    ]  # fmt: skip
    return {"rows": rows, "hops": sum(turns[0]["ceas_ray"]["hops"]), "turns": repeats, "machine": machine()}


def _turn(until: int, python: str | None) -> dict[str, dict[str, Any]]:
    """Run each kernel once, one after the other; return their figures."""
    found = {"ceas_ray": figures_of_module("ceas_ray.bench.kernel", "--case", str(until))}
    for way in WAYS if python else ():
        assert python is not None
        theirs = figures_of_peer([python, str(kernel_peers.__file__), way, str(until)])
        if theirs.get("hops") != found["ceas_ray"]["hops"]:
            raise UnusableSettings("--simpy", theirs.get("failed", f"SimPy ({way}) makes other hops"))
        found[f"SimPy {theirs['version']}, {way}"] = theirs
    return found


def _rate(case: dict[str, Any]) -> float:
    return float(sum(case["hops"]) / case["cpu_seconds"])


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
