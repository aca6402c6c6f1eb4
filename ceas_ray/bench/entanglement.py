"""Pairs per CPU second of the pair engine on workload W1, beside SimQN and SeQUeNCe.

The engine is that of training; requests for single pairs (`ServeRequests`) come from this benchmark alone, because
peers can run them too.

usage: scripts/bench entanglement [--simqn PYTHON] [--sequence PYTHON] [--peers FOLDER] [--quick]

W1: every edge of a network is a link with one memory at each end: attempts of 30 us succeed with p = .1; a pair is
asked for after an exponential wait of mean .3 ms / ln 2 and lost .3 ms after it was heralded; coherence time 1 ms,
fidelity .95 when heralded. A peer runs in the Python of its own environment with its script in FOLDER (bench_simqn.py,
bench_sequence.py). Every case is a process of its own; CPU seconds are of the simulation alone;
a peer's memory is at most what is printed (a process starts with its parent's peak). Prints one JSON line.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import resource
import sys
import time
from pathlib import Path
from typing import Any

from ceas_ray.bench.processes import figures_of_module, figures_of_peer
from ceas_ray.kernel.envelope import Envelope, Send
from ceas_ray.kernel.streams import Streams
from ceas_ray.kernel.time import picoseconds
from ceas_ray.links.link_manager import LinkManager
from ceas_ray.messages.payloads import ENTANGLEMENT_MANAGER, RequestsServed, ServeRequests
from ceas_ray.network.link_parameters import LinkParameters
from ceas_ray.network.route import Route, Swapping

SUCCESS, ATTEMPT, COHERENCE, CUTOFF, HERALDED = 0.1, 30e-6, 1e-3, 0.3e-3, 0.95
MEAN_WAIT = CUTOFF / math.log(2)
MEASURED = "requests for single pairs (ServeRequests), through the engine that training runs"
CASES = (("ring", 8), ("ring", 50), ("ring", 200), ("star", 200), ("complete", 50), ("complete", 200))
PAIRS_WANTED, MIN_SECONDS = 8e6, 20.0
PEER_PAIRS = {"simqn": 6e4, "sequence": 1.5e3}
PEER_MIN_SECONDS = 3e-4  # about one pair a link
RATE = 1 / (ATTEMPT / SUCCESS + MEAN_WAIT * (1 - math.exp(-CUTOFF / MEAN_WAIT)))


def edges(kind: str, nodes: int) -> list[tuple[int, int]]:
    """Return the links of a ring, star or complete network."""
    if kind == "ring":
        return [(i, (i + 1) % nodes) for i in range(nodes)]
    if kind == "star":
        return [(0, i) for i in range(1, nodes)]
    return list(itertools.combinations(range(nodes), 2))


def _requests(seconds: float) -> ServeRequests:
    """Return the requests that a link serves in this many simulated seconds."""
    return ServeRequests(
        round_index=0, starts_at=10, length=picoseconds(seconds), mean_wait=picoseconds(MEAN_WAIT),
        useful_age=picoseconds(CUTOFF) + picoseconds(ATTEMPT), slots=1,
    )  # fmt: skip


def measure(kind: str, nodes: int, quick: bool) -> dict[str, Any]:
    """Return the figures of this engine, measured in this process."""
    links = edges(kind, nodes)
    length = max(MIN_SECONDS, PAIRS_WANTED / (RATE * len(links))) / (20 if quick else 1)
    werner = (4 * HERALDED - 1) / 3 * math.exp(ATTEMPT / COHERENCE)  # at emission, one attempt before it is heralded
    parameters = LinkParameters(1.0, picoseconds(ATTEMPT), 1, SUCCESS, (1 + 3 * werner) / 4, 2 * COHERENCE)
    started = time.process_time()
    route = Route.of([parameters], Swapping(1.0))
    managers = [
        LinkManager(f"link/{a}-{b}", route, key_routes={}, processor=None, report_delay=10**8, streams=Streams(1))
        for a, b in links
    ]
    set_up = time.process_time() - started

    warm_up = LinkManager("link/warm-up", route, key_routes={}, processor=None, report_delay=10**8, streams=Streams(2))
    _served(warm_up, _requests(0.01))  # compiles
    asked = _requests(length)
    started = time.process_time()
    reports = [_served(manager, asked) for manager in managers]
    spent = time.process_time() - started
    pairs, used = (sum(int(report.counts[0, column]) for report in reports) for column in (0, 1))
    return {
        "measured": MEASURED,
        "links": len(links), "simulated_seconds": length, "pairs": pairs, "set_up_cpu_seconds": round(set_up, 3),
        "cpu_seconds": round(spent, 3), "pairs_per_cpu_second": round(pairs / spent),
        "nanoseconds_per_pair": round(spent / pairs * 1e9, 2),
        "peak_megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "pairs_per_second_and_link": pairs / len(links) / length, "used_share": used / pairs,
        "mean_fidelity": sum(report.fidelity * int(report.counts[0, 1]) for report in reports) / used,
    }  # fmt: skip


def _served(manager: LinkManager, plan: ServeRequests) -> RequestsServed:
    (effect,) = manager.handle(
        Envelope(deliver_at=1, sender=ENTANGLEMENT_MANAGER, serial=0, receiver=manager.name, payload=plan)
    )
    assert isinstance(effect, Send) and isinstance(effect.payload, RequestsServed), "a link manager answers requests"
    return effect.payload


def _peer(name: str, python: str, folder: Path, *, kind: str, nodes: int, quick: bool) -> dict[str, Any]:
    mode = "heap" if name == "simqn" else "bk"
    seconds = max(PEER_MIN_SECONDS, PEER_PAIRS[name] / (RATE * len(edges(kind, nodes))) / (10 if quick else 1))
    found = figures_of_peer([python, f"bench_{name}.py", mode, kind, str(nodes), f"{seconds:.6g}"], folder)
    if "failed" in found:
        return found
    if not found["pairs"]:
        return {"failed": f"no pair in {seconds} simulated seconds"}
    return {
        "pairs": found["pairs"], "cpu_seconds": found["cpu_s"], "peak_megabytes_at_most": found["rss_mb"],
        "pairs_per_cpu_second": round(found["pairs"] / found["cpu_s"]), "used_share": found["used"] / found["pairs"],
        "mean_fidelity": found["meanF"],
    }  # fmt: skip


def main(words: list[str]) -> dict[str, Any]:
    """Return the benchmark's figures."""
    parser = argparse.ArgumentParser(prog="scripts/bench entanglement", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--simqn", help="the Python of an environment with qns")
    parser.add_argument("--sequence", help="the Python of an environment with sequence")
    parser.add_argument("--peers", default="../shared/peers", help="the folder of the peers' scripts")
    parser.add_argument("--quick", action="store_true", help="a twentieth of the work")
    parser.add_argument("--case", nargs=2, metavar=("KIND", "NODES"), help="one case, ours alone, in this process")
    chosen = parser.parse_args(words)
    if chosen.case:
        return measure(chosen.case[0], int(chosen.case[1]), chosen.quick)
    peers = {name: getattr(chosen, name) for name in PEER_PAIRS if getattr(chosen, name)}
    found: dict[str, Any] = {"measured": MEASURED, "closed_form": {"pairs_per_second_and_link": RATE, "used_share": 0.5,
                                             "mean_fidelity": 0.865174}}  # fmt: skip
    for kind, nodes in CASES:
        quick = ["--quick"] if chosen.quick else []
        ours = figures_of_module("ceas_ray.bench.entanglement", "--case", kind, str(nodes), *quick)
        for name, python in peers.items():
            peer = _peer(name, python, Path(chosen.peers), kind=kind, nodes=nodes, quick=chosen.quick)
            if "pairs_per_cpu_second" in peer:
                peer["ours_over_it"] = round(ours["pairs_per_cpu_second"] / peer["pairs_per_cpu_second"], 1)
            ours[name] = peer
        found[f"{kind} {nodes}"] = ours
        print(f"{kind} {nodes}: {ours['pairs_per_cpu_second']} pairs per CPU second ({MEASURED})", file=sys.stderr)
    found["cost_per_pair_complete_200_over_ring_8"] = round(
        found["complete 200"]["nanoseconds_per_pair"] / found["ring 8"]["nanoseconds_per_pair"], 3
    )
    return found


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
