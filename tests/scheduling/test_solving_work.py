"""What solving a decision process is expected to take, beside the sweeps that it really takes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ceas_ray.scheduling import mdp, perishable_chain
from ceas_ray.scheduling.mdp import Mdp, work_of
from ceas_ray.scheduling.perishable_chain import LinkClass
from ceas_ray.scheduling.solving_work import SolvingWork, solving_work

SCHEDULER = Mdp(waste_price=0.2, min_utilization=0.95, min_on_time=0.9904, gap_slots=2, gap_stock=4, max_classes=3)
PRECISION = Mdp(
    waste_price=0.0, min_utilization=0.0, min_on_time=0.5, gap_slots=1, gap_stock=8, max_classes=4,
    objective="precision_per_pair",
)  # fmt: skip
LINK = LinkClass(
    slots=12, pairs=3, burst=8, gap=8.0, periodic=False, classes=3, trials=660, success=0.01, first_trials=650, modes=16
)  # fmt: skip
WEIGHT_OF_A_GAP = 1.6
"""Time that a birth takes in a gap's sweep, next to one in a burst's."""


def counted(scheduler: Mdp, link: LinkClass, monkeypatch: pytest.MonkeyPatch) -> SolvingWork:
    """Count what solving the chain takes."""
    perishable_chain.solve.cache_clear()
    mdp._solved.cache_clear()
    prices, births, step = [], {True: 0, False: 0}, perishable_chain._slot_backwards
    cycle = perishable_chain._Chain.cycle

    def stepped(slot, *rest):  # type: ignore[no-untyped-def]
        digits, most = slot.states.shape[1], slot.counts.shape[1] - 2
        births[slot.pairs > 0] += work_of(most, digits, 1)
        return step(slot, *rest)

    def cycled(chain):  # type: ignore[no-untyped-def]
        prices.append(chain.prices[1])
        return cycle(chain)

    monkeypatch.setattr(perishable_chain, "_slot_backwards", stepped)
    monkeypatch.setattr(perishable_chain._Chain, "cycle", cycled)
    scheduler.solved(link)
    return SolvingWork(len(set(prices)), births[True], births[False])


def weighted(work: SolvingWork) -> float:
    return work.births_in_bursts + WEIGHT_OF_A_GAP * work.births_in_gaps


@pytest.mark.parametrize("link", [
    LINK, *(replace(LINK, burst=burst) for burst in (1, 2, 3)),
    *(replace(LINK, trials=trials, first_trials=trials) for trials in (300, 450, 1200)),
    replace(LINK, burst=1, trials=1200, first_trials=1200), replace(LINK, gap=30.0, trials=400, first_trials=400),
    *(replace(LINK, pairs=1, burst=burst, trials=540, first_trials=530) for burst in (1, 8)),
    *(replace(LINK, burst=burst, gap=6.0, periodic=True, trials=75, first_trials=75) for burst in (1, 2, 4)),
], ids=str)  # fmt: skip
def test_the_births_that_sweeps_try_are_foreseen_within_a_factor_of_two(
    link: LinkClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = counted(SCHEDULER, link, monkeypatch)
    assert 0.5 < weighted(solving_work(SCHEDULER, link)) / weighted(taken) < 2


@pytest.mark.parametrize("burst", [1, 8])
def test_the_most_precision_per_pair_is_foreseen_to_take_few_prices(
    burst: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = replace(LINK, burst=burst, decay=0.01)
    foreseen, taken = solving_work(PRECISION, link), counted(PRECISION, link, monkeypatch)
    assert abs(foreseen.prices - taken.prices) <= 1
    assert 0.5 < weighted(foreseen) / weighted(taken) < 2


@pytest.mark.slow
def test_chains_of_single_shots_are_foreseen_to_sweep_their_gaps_often(monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler = replace(SCHEDULER, gap_stock=6, max_classes=4)
    link = replace(LINK, burst=1, slots=24, classes=4)
    assert 0.5 < weighted(solving_work(scheduler, link)) / weighted(counted(scheduler, link, monkeypatch)) < 2
