"""Rounds of more and more processors: time, memory, messages, windows, and bytes between hosts.

usage: scripts/bench scale [--most] [--quick] [--json] [key=value ...]

10, 50, 200 and 1,000 processors (with --most also 5,000; with --quick 5 and 10), in a process each, local on one host.
Memory is what the process holds after its rounds. Kilobytes a processor are those beyond the smallest case, which has
the fixed part: libraries and compiled code. Beside memory stands what a run estimates before it starts. Windows, calls
to hosts and the bytes of their mail are those of a round on four hosts, one of each kind, in this process.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Mapping
from typing import Any

import psutil

from ceas_ray.bench.figures import machine, spread
from ceas_ray.bench.processes import figures_of_module
from ceas_ray.bench.round_parts import LocalRounds
from ceas_ray.config.composition import composed
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.kernel.garbage import old_objects_left_out
from ceas_ray.kernel.window_reply import WindowReply
from ceas_ray.kernel.windows import Simulation, WindowRequest
from ceas_ray.runtime.local_runtime import LocalCluster
from ceas_ray.world.builder import build_world
from ceas_ray.world.run_size import memory_bytes

COUNTS, MOST, QUICK = (10, 50, 200, 1_000), 5_000, (5, 10)
WARM_ROUNDS, ROUNDS = 2, 5


def main(words: list[str]) -> dict[str, Any]:
    """Return the benchmark's figures. Raises SettingsError for bad overrides."""
    parser = argparse.ArgumentParser(prog="scripts/bench scale", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--most", action="store_true", help=f"also {MOST:,} processors")
    parser.add_argument("--quick", action="store_true", help="5 and 10 processors")
    parser.add_argument("--case", type=int, metavar="PROCESSORS", help="one case, in this process")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings other than the default ones")
    chosen = parser.parse_args(words)
    if chosen.case:
        return _case(_settings(chosen.overrides, chosen.case))
    counts = QUICK if chosen.quick else (*COUNTS, MOST) if chosen.most else COUNTS
    rows: list[dict[str, Any]] = []
    for count in counts:
        _settings(chosen.overrides, count)  # refuses bad overrides
        found = figures_of_module("ceas_ray.bench.scale", "--case", str(count), *chosen.overrides)
        rows.append({"processors": count} | found | _beyond(rows, count, found))
        print(f"{count} processors: {found}", file=sys.stderr)
    return {"rows": rows, "rounds": ROUNDS, "machine": machine()}


def _settings(overrides: list[str], count: int) -> RunSettings:
    words = [f"processors.count={count}", "tracking=folder", *overrides, f"training.rounds={WARM_ROUNDS + ROUNDS + 1}"]
    return build(RunSettings, composed(words))


def _beyond(rows: list[dict[str, Any]], count: int, found: dict[str, Any]) -> dict[str, Any]:
    """Return the memory per processor: what is added to the smallest case, divided by the processors added, in kB."""
    if not rows:
        return {}
    more = (found["megabytes"] - rows[0]["megabytes"]) / (count - rows[0]["processors"])
    return {"kilobytes_a_processor": round(more * 1e3, 1)}


def _case(settings: RunSettings) -> dict[str, Any]:
    """Measure one case, in this process."""
    count = settings.processors.count
    local = LocalRounds(settings)
    for _ in range(WARM_ROUNDS):
        local.next()
    with old_objects_left_out():
        ends = [local.next() for _ in range(ROUNDS)]
    gc.collect()
    megabytes = psutil.Process().memory_info().rss / 1e6
    messages = ends[-1][0].handled
    per_processor = [sum(parts.values()) / count for _, parts in ends]
    links = [parts["links"] / count for _, parts in ends]
    return {
        "CPU_ms_a_processor_and_round": spread(per_processor, 3),
        "of_it_links": spread(links, 3)["median"],
        "messages": messages, "messages_a_processor": round(messages / count, 1),
        **_between_hosts(settings),
        "megabytes": round(megabytes, 1), "estimated_megabytes": round(memory_bytes(settings) / 1e6, 1),
    }  # fmt: skip


class _CountingCluster(LocalCluster):
    """A local cluster that counts the bytes of the mail between its hosts."""

    mail_bytes = 0

    def step(self, requests: Mapping[str, WindowRequest]) -> dict[str, WindowReply]:
        """See `Cluster`."""
        replies = super().step(requests)
        self.mail_bytes += sum(len(mail.envelopes) for reply in replies.values() for mail in reply.mail.values())
        return replies


def _between_hosts(settings: RunSettings) -> dict[str, Any]:
    """Return windows, calls to hosts and kilobytes of mail of the first round after the warm-up."""
    cluster = _CountingCluster(build_world(settings).hosts(1, 1))
    rounds = Simulation(cluster).rounds()
    next(rounds)
    before = cluster.mail_bytes
    end = next(rounds)
    kilobytes = (cluster.mail_bytes - before) / 1e3
    return {"windows": end.windows, "host_calls": end.host_calls, "kilobytes_between_hosts": round(kilobytes, 1)}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
