"""Consensus: scenarios of the explorer per second and core, and what a decision costs.

usage: scripts/bench consensus [--quick]

Scenarios: one process, CPU seconds, by kind (voting alone and whole replicas, as the explorer mixes them).
A decision: all replicas honest, every message one Delta, committee = all processors; see `decision_cost`.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from ceas_ray.consensus.exploration.campaign import CampaignReport, run_batch
from ceas_ray.consensus.exploration.decision_cost import decision_cost
from ceas_ray.consensus.exploration.kinds import MIX

SIZES = (4, 7, 10, 16, 31, 50)


def main(words: list[str]) -> dict[str, Any]:
    """Return the benchmark's figures."""
    parser = argparse.ArgumentParser(prog="scripts/bench consensus", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the scenarios")
    chosen = parser.parse_args(words)
    block = len(MIX)
    run_batch(range(block))  # compiles
    report = CampaignReport(0)
    for start in range(0, block * (2 if chosen.quick else 20), block):
        report.add(run_batch(range(start, start + block)))
    print(f"{report.total.scenarios} scenarios, {len(report.failures)} violations", file=sys.stderr)
    return {
        "scenarios": {
            str(kind): {"per_second_and_core": round(tally.per_second, 1), "mean_events": round(tally.mean_events, 1)}
            for kind, tally in report.by_kind.items()
        },
        "violations": [failure.seed for failure in report.failures],
        "decisions": {str(replicas): decision_cost(replicas) for replicas in SIZES},
    }
