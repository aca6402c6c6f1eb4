"""When knowing the timetable pays: a map over supply, gap and coherence, from the chain, checked by simulation. Ours.

A link serves bursts of two shots of four pairs. `gain` is the precision per pair of `mdp_precision` where gaps are all
the same and known, over that where gaps have the same mean, are exponential and come unannounced: both are the best of
their kind, so the ratio is what a timetable is worth, to whoever may plan it. At the points that are checked both are
simulated, each on its own demand. `over_mix` is the gain on the *same* rotation over the best mix of two schedulers
that know nothing, tuned on it, at as many pairs: what awareness is worth where there is a timetable anyway. It is
simulated at all points.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ceas_ray.messages.payloads import StockPolicy
from ceas_ray.scheduling.mdp import Mdp
from ceas_ray.studies.utilization.regimes import Regime, useful_age
from ceas_ray.studies.utilization.study import simulate, with_intervals
from ceas_ray.studies.utilization.timetable import schedulers_of

SUPPLIES = (0.25, 0.5, 1.0, 2.0)
GAPS_OVER_BURST = (2.0, 4.0, 8.0, 16.0)
COHERENCE_MILLISECONDS = (40.0, 80.0, 120.0)
BURST, PAIRS, SLOTS = 2, 4, 24
CHECKED = (
    (0.25, 2.0, 80.0), (0.25, 4.0, 40.0), (0.25, 16.0, 120.0), (0.5, 2.0, 40.0), (0.5, 8.0, 80.0),
    (0.5, 16.0, 120.0), (1.0, 2.0, 120.0), (1.0, 8.0, 40.0), (2.0, 4.0, 80.0), (2.0, 16.0, 120.0),
)  # fmt: skip
PRECISION_PER_PAIR = Mdp(
    waste_price=0.0, min_utilization=0.0, min_on_time=0.5, gap_slots=1, gap_stock=BURST * PAIRS, max_classes=6,
    objective="precision_per_pair",
)  # fmt: skip


@dataclass(frozen=True)
class Point:
    """A point of the map. supply: births over demand within a burst. gap: over a burst. coherence: of a memory, ms."""

    supply: float
    gap: float
    coherence: float

    def regime(self, *, periodic: bool) -> Regime:
        """Return the demand and the link."""
        coherence_seconds = self.coherence * 1e-3
        return Regime(
            "map", self.supply, useful_age(coherence_seconds), SLOTS, self.gap * BURST, periodic, pairs=PAIRS,
            burst=BURST, coherence_seconds=coherence_seconds,
        )  # fmt: skip


def points() -> list[Point]:
    """Return all points of the map."""
    return [Point(s, g, c) for c in COHERENCE_MILLISECONDS for g in GAPS_OVER_BURST for s in SUPPLIES]


def computed(point: Point, mdp: Mdp = PRECISION_PER_PAIR) -> dict[str, float]:
    """Return the precision per pair with gaps known and unknown, as the chain has it, and their ratio: the gain."""
    known, unknown = (
        mdp.solved(regime.link_class(regime.supply))
        for regime in (point.regime(periodic=True), point.regime(periodic=False))
    )
    per_pair = [solved.precision / solved.births for solved in (known, unknown)]
    return {"known": per_pair[0], "unknown": per_pair[1], "gain": per_pair[0] / per_pair[1]}


def over_mix(point: Point, seeds: range, bursts: int, mdp: Mdp = PRECISION_PER_PAIR) -> dict[str, float]:
    """Return the simulated gain on the rotation over the best mix of schedulers that know nothing, with its 95 %."""
    regime = point.regime(periodic=True)
    link = regime.link_class(regime.supply)
    mix = schedulers_of(regime, link, mdp, bursts)["time_sharing"]
    aware, mixed = (_per_pair(regime, of.stock_policy(link), seeds, bursts) for of in (mdp, mix))
    return with_intervals(_ratios(aware, mixed))


def checked(point: Point, seeds: range, bursts: int, mdp: Mdp = PRECISION_PER_PAIR) -> dict[str, dict[str, float]]:
    """Return what simulation says of `computed`, with 95 % intervals over the seeds."""
    known, unknown = (
        _per_pair(regime, mdp.stock_policy(regime.link_class(regime.supply)), seeds, bursts)
        for regime in (point.regime(periodic=True), point.regime(periodic=False))
    )
    found = {"known": known, "unknown": unknown, "gain": _ratios(known, unknown)}
    return {name: with_intervals(values) for name, values in found.items()}


def _per_pair(regime: Regime, policy: StockPolicy, seeds: range, bursts: int) -> list[float]:
    found = [simulate(regime, policy, seed, bursts) for seed in seeds]
    return [of["precision"] / of["births"] for of in found]


def _ratios(of: Sequence[float], over: Sequence[float]) -> list[float]:
    return [a / b for a, b in zip(of, over, strict=True)]


def rows(seeds: range, bursts: int, done: Callable[[Point], None]) -> Iterator[dict[str, Any]]:
    """Yield a row of every point, ends of intervals as half widths; what was not simulated is missing."""
    for point in points():
        row: dict[str, Any] = {"supply": point.supply, "gap_over_burst": point.gap, "coherence_ms": point.coherence}
        row |= computed(point)
        simulated = {"over_mix": over_mix(point, seeds, bursts)}
        if (point.supply, point.gap, point.coherence) in CHECKED:
            simulated |= checked(point, seeds, bursts)
        for name, found in simulated.items():
            row |= {f"simulated_{name}": found["mean"], f"simulated_{name}_95": found["half_width_95"]}
        done(point)
        yield row
