"""The study of known timetables: what knowing a rotation brings, and what optimising brings on top. Ours.

One link in each of the regimes T1, T2 and T4. All opponents are tuned on seeds of their own, and judged on others. At
the pairs that `mdp` generates, `time_sharing` is the best mix of any two schedulers that do not know the timetable
(generating nothing is one of them): nothing that mixes them is more precise. `just_in_time` has the lead of the most
precision per pair that leaves as many shots on time as `mdp` is asked for, if any does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from ceas_ray.scheduling.base_stock import BaseStock
from ceas_ray.scheduling.bounds import precision_bound
from ceas_ray.scheduling.clairvoyant import Clairvoyant
from ceas_ray.scheduling.freshest_first import FreshestFirst
from ceas_ray.scheduling.just_in_time import JustInTime
from ceas_ray.scheduling.mdp import Mdp
from ceas_ray.scheduling.oblivious import Oblivious
from ceas_ray.scheduling.on_demand import OnDemand
from ceas_ray.scheduling.perishable_chain import LinkClass
from ceas_ray.scheduling.scheduler import Scheduler
from ceas_ray.scheduling.time_sharing import TimeSharing
from ceas_ray.scheduling.two_level import TwoLevel
from ceas_ray.studies.utilization.regimes import ROTATIONS, Regime
from ceas_ray.studies.utilization.study import TUNING_SEEDS, simulate, summed, with_intervals

LEADS = tuple(float(lead) for lead in np.arange(0.5, 8.5, 0.5))
NOTHING = BaseStock(0)
MEASURES = ("births", "on_time", "precision", "precision_per_pair", "utilization", "contrast")


@dataclass(frozen=True)
class _Tried:
    """A scheduler and its measures, means over the tuning seeds, per shot."""

    scheduler: Scheduler
    births: float
    on_time: float
    precision: float

    def per_pair(self, least: float) -> tuple[bool, float]:
        """Return the key of the choice: enough shots on time first, then precision per birth."""
        return self.on_time >= least, self.precision / self.births if self.births else 0.0


def oblivious_schedulers(regime: Regime) -> list[Scheduler]:
    """Return the schedulers that do not know the timetable, with all limits that they are tuned over."""
    limits = range(regime.pairs, regime.slots + 1, 2)
    gaps = range(1, regime.pairs * regime.burst + 1)
    return [
        NOTHING, OnDemand(), Oblivious(), FreshestFirst(), *map(BaseStock, limits),
        *(TwoLevel(gap, regime.slots) for gap in gaps),
    ]  # fmt: skip


def best_mix(tried: Sequence[_Tried], births: float) -> TimeSharing:
    """Return the mix of two schedulers that is most precise at exactly this many births per shot."""
    best, most = TimeSharing(tried[0].scheduler, tried[0].scheduler, 0.0), -1.0
    for pair in combinations(tried, 2):
        few, many = sorted(pair, key=lambda one: one.births)
        if not few.births <= births <= many.births or few.births == many.births:
            continue
        share = (births - few.births) / (many.births - few.births)
        precision = few.precision + share * (many.precision - few.precision)
        if precision > most:
            best, most = TimeSharing(few.scheduler, many.scheduler, share), precision
    return best


def schedulers_of(regime: Regime, link: LinkClass, mdp: Mdp, bursts: int) -> dict[str, Scheduler]:
    """Return all schedulers of a regime by name, tuned."""

    def tried(scheduler: Scheduler) -> _Tried:
        policy = scheduler.stock_policy(link)
        found = [simulate(regime, policy, seed, bursts) for seed in TUNING_SEEDS]
        return _Tried(
            scheduler, *(float(np.mean([of[name] for of in found])) for name in ("births", "on_time", "precision"))
        )

    def best(of: list[_Tried]) -> Scheduler:
        return max(of, key=lambda one: one.per_pair(mdp.min_on_time)).scheduler

    unknowing = [tried(scheduler) for scheduler in oblivious_schedulers(regime)]
    return {
        "oblivious": Oblivious(), "freshest_first": FreshestFirst(), "on_demand": OnDemand(),
        "base_stock": best([one for one in unknowing if isinstance(one.scheduler, BaseStock)]),
        "two_level": best([one for one in unknowing if isinstance(one.scheduler, TwoLevel)]),
        "time_sharing": best_mix(unknowing, tried(mdp).births),
        "just_in_time": best([tried(JustInTime(lead)) for lead in LEADS]),
        "mdp": mdp, "clairvoyant": Clairvoyant(),
    }  # fmt: skip


def _cells(regime: Regime, mdp: Mdp, seeds: range, bursts: int) -> Iterator[dict[str, Any]]:
    """Yield one row per scheduler and seed."""
    link = regime.link_class(regime.supply)
    for name, scheduler in schedulers_of(regime, link, mdp, bursts).items():
        policy = scheduler.stock_policy(link)
        for seed in seeds:
            found = simulate(regime, policy, seed, bursts)
            per_pair = found["precision"] / found["births"] if found["births"] else 0.0
            row = {"regime": regime.name, "scheduler": name, "limits": _tuned(scheduler), "seed": seed}
            yield row | {measure: (found | {"precision_per_pair": per_pair})[measure] for measure in MEASURES}


def _tuned(scheduler: Scheduler) -> str:
    return repr(scheduler) if isinstance(scheduler, BaseStock | TwoLevel | TimeSharing | JustInTime) else ""


def run_timetable_study(mdp: Mdp, *, seeds: range, bursts: int, done: Callable[[str], None]) -> dict[str, Any]:
    """Simulate all regimes; return `rows`, their `summary` (means with 95 % intervals), `bounds` and `gains`.

    bounds: by regime, what the chain computes for `mdp` (births, on_time, precision), and the precision that no
    scheduler exceeds with as many births. gains: ratios of precision per pair, one for each seed: `just_in_time` over
    the best mix shows what knowing brings, `mdp` over `just_in_time` what optimising brings.
    """
    rows: list[dict[str, Any]] = []
    bounds: dict[str, dict[str, float]] = {}
    for regime in ROTATIONS:
        rows += _cells(regime, mdp, seeds, bursts)
        link = regime.link_class(regime.supply)
        solved = mdp.solved(link)
        relaxed = replace(link, classes=int(np.ceil(regime.useful_age)))
        bounds[regime.name] = {
            "births": solved.births,
            "on_time": solved.served,
            "precision": solved.precision,
            "precision_bound": precision_bound(relaxed, solved.births),
        }
        done(regime.name)
    by = {(row["regime"], row["scheduler"], row["seed"]): row["precision_per_pair"] for row in rows}
    gains = [
        {"regime": regime.name, "of": ours, "over": other}
        | with_intervals([by[regime.name, ours, seed] / by[regime.name, other, seed] for seed in seeds])
        for regime in ROTATIONS
        for ours, other in (("just_in_time", "time_sharing"), ("mdp", "just_in_time"), ("mdp", "time_sharing"))
    ]
    return {"rows": rows, "summary": summed(rows), "bounds": bounds, "gains": gains}
