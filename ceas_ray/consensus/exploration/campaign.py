"""Campaigns: many scenarios on many processes, until a time or a number is reached or an invariant is broken."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from math import ceil

from ceas_ray.consensus.exploration.kinds import MIX, ScenarioKind, ScenarioResult, kind_of, run_scenario
from ceas_ray.consensus.exploration.spawned_pool import spawned_pool

BATCH = 256
"""Seeds of one task: whole blocks of the mix."""
MAX_FAILURES = 10


@dataclass
class Tally:
    """Scenarios, events and CPU seconds of one kind."""

    scenarios: int = 0
    events: int = 0
    seconds: float = 0.0

    @property
    def per_second(self) -> float:
        """Return the number of scenarios per CPU second, and so per core."""
        return self.scenarios / self.seconds if self.seconds else 0.0

    @property
    def mean_events(self) -> float:
        """Return the mean number of events of a scenario."""
        return self.events / self.scenarios if self.scenarios else 0.0

    def add(self, other: Tally) -> None:
        """Add a scenario."""
        self.scenarios += other.scenarios
        self.events += other.events
        self.seconds += other.seconds


@dataclass
class CampaignReport:
    """A campaign so far: every seed before `next_seed` is done, and a campaign from there on goes on with it.

    outcomes: a digest of the outcomes of all its scenarios, in the order of their seeds.
    """

    next_seed: int
    by_kind: dict[ScenarioKind, Tally] = field(default_factory=dict)
    failures: list[ScenarioResult] = field(default_factory=list)
    interrupted: bool = False
    outcomes: bytes = b""

    @property
    def total(self) -> Tally:
        """Return the sums over all kinds."""
        total = Tally()
        for tally in self.by_kind.values():
            total.add(tally)
        return total

    def add(self, other: CampaignReport) -> None:
        """Add the batch that follows."""
        self.next_seed = other.next_seed
        for kind, tally in other.by_kind.items():
            self.by_kind.setdefault(kind, Tally()).add(tally)
        self.failures += other.failures
        self._append(other.outcomes)

    def _append(self, outcomes: bytes) -> None:
        self.outcomes = blake2b(self.outcomes + outcomes, digest_size=16).digest()

    def count(self, kind: ScenarioKind, outcome: ScenarioResult) -> None:
        """Add the scenario that follows."""
        self.by_kind.setdefault(kind, Tally()).add(Tally(1, outcome.events, outcome.seconds))
        self._append(outcome.digest)
        if outcome.violation is not None:
            self.failures.append(outcome)


def run_batch(seeds: range, only: ScenarioKind | None = None) -> CampaignReport:
    """Run the scenarios of these seeds, one after the other; only: of one kind.

    What is alive before them (the modules, and the states that conformance looks up) is not looked through by every
    collection of garbage again: that would take a seventh of the time.
    """
    gc.collect()
    gc.freeze()
    report = CampaignReport(seeds.stop)
    for seed in seeds:
        kind = kind_of(seed)
        if only is not None and kind != only:
            continue
        report.count(kind, run_scenario(seed))
    return report


def explore(
    *,
    first: int,
    processes: int,
    scenarios: int | None = None,
    seconds: float | None = None,
    progress: Callable[[CampaignReport], None] = lambda report: None,
    only: ScenarioKind | None = None,
    begin_worker: Callable[[], None] | None = None,
) -> CampaignReport:
    """Run seeds first, first + 1, ... until `scenarios` are done or `seconds` over, or ten have failed.

    only: of these seeds, those of one kind. begin_worker: called first in each process. The result for given seeds does
    not depend on `processes`. Takes whole batches, so a few scenarios more. KeyboardInterrupt ends it early: what was
    done is reported.
    """
    report, until = CampaignReport(first), None if seconds is None else time.monotonic() + seconds
    try:
        with spawned_pool(processes, begin_worker) as pool:
            for batch in pool.imap(partial(run_batch, only=only), _batches(first, scenarios, until, only)):
                report.add(batch)
                progress(report)
                if len(report.failures) >= MAX_FAILURES or (until is not None and time.monotonic() >= until):
                    break
    except KeyboardInterrupt:
        report.interrupted = True
    return report


def _batches(first: int, scenarios: int | None, until: float | None, only: ScenarioKind | None) -> Iterator[range]:
    """Yield seeds in order, as the pool asks for them: it reads ahead no further than its pipe holds."""
    share = 1.0 if only is None else MIX.count(only) / len(MIX)
    end = None if scenarios is None else first + ceil(scenarios / share)
    start = first
    while end is None or start < end:
        if until is not None and time.monotonic() >= until:
            return
        yield range(start, start + BATCH if end is None else min(start + BATCH, end))
        start += BATCH
