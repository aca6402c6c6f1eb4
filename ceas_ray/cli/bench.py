"""Benchmarks; each prints one JSON line, or a table and with --json its line, every figure from one run.

usage: scripts/bench framework [key=value ...]     a round of the default scenario on Ray, part by part, and memory
       scripts/bench entanglement [--help]         single requests for pairs, beside SimQN and SeQUeNCe
       scripts/bench gradients [--help]            what training computes of circuits, beside Qiskit Aer and others
       scripts/bench aggregation [--help]          aggregation rules, beside ByzFL
       scripts/bench accuracy [key=value ...]      centralised test accuracies, beside logistic regression
       scripts/bench distribution [--help]         Bell pairs of distributed circuits, beside pytket-dqc and memq-dqc
       scripts/bench sweep [key=value ...]         twelve short jobs by one command, beside one after the other
       scripts/bench consensus [--help]            scenarios per second and core, and what a decision costs
       scripts/bench kernel [--help]               hops of PHOLD per CPU second, beside SimPy
       scripts/bench round [--help]                a round by part, CPU and wall time; beside rounds on Ray
       scripts/bench scale [--help]                time, memory, messages and windows of up to 5,000 processors
       scripts/bench start [--help]                until a run's first sign of life and its first round
       scripts/bench tracking [--help]             runs that send to MLflow, also where that fails, beside one without
       scripts/bench all [--quick] [--json]        those that need nothing else: kernel, round, scale, start, consensus
"""

from __future__ import annotations

import json
import sys

from ceas_ray.bench import (
    accuracy,
    aggregation,
    consensus,
    default_round,
    distribution,
    entanglement,
    framework,
    gradients,
    kernel,
    scale,
    start,
    sweep,
    tracking,
)
from ceas_ray.bench.figures import print_table
from ceas_ray.cli.exit_codes import BAD_SETTINGS, COMPLETED
from ceas_ray.config.errors import SettingsError
from ceas_ray.runtime.interruption import answered

BENCHMARKS = {
    "framework": framework.main,
    "entanglement": entanglement.main,
    "gradients": gradients.main,
    "aggregation": aggregation.main,
    "accuracy": accuracy.main,
    "consensus": consensus.main,
    "distribution": distribution.main,
    "sweep": sweep.main,
    "kernel": kernel.main,
    "round": default_round.main,
    "scale": scale.main,
    "start": start.main,
    "tracking": tracking.main,
}
ALL = ("kernel", "round", "scale", "start", "consensus")


def main() -> int:
    """Print the figures of the benchmark that the command line names; return the exit code."""
    name, *words = sys.argv[1:] or [""]
    if name not in (*BENCHMARKS, "all"):
        print(__doc__, file=sys.stderr, end="")
        return BAD_SETTINGS
    return answered(lambda _: _bench_all(words) if name == "all" else _bench(name, words))


def _bench_all(words: list[str]) -> int:
    if not set(words) <= {"--quick", "--json"}:
        print("scripts/bench all: takes --quick and --json alone, got", *words, file=sys.stderr)
        return BAD_SETTINGS
    for name in ALL:
        print(f"{name}:", file=sys.stderr)
        if (code := _bench(name, words)) != COMPLETED:
            return code
    return COMPLETED


def _bench(name: str, words: list[str]) -> int:
    try:
        figures = BENCHMARKS[name]([word for word in words if word != "--json"])
    except SettingsError as error:
        print(error, file=sys.stderr)
        return BAD_SETTINGS
    if "rows" in figures and "--json" not in words:
        print_table(name, figures)
    else:
        print(json.dumps(figures))
    return COMPLETED


if __name__ == "__main__":
    sys.exit(main())
