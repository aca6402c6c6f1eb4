"""Plans of several links at work: together they are what each is alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.envelope import Envelope, SharedCall
from ceas_ray.links.link_manager import LinkManager
from ceas_ray.links.plan_work import carry_out
from ceas_ray.messages.payloads import (
    ENTANGLEMENT_MANAGER,
    BirthTables,
    GeneratePairs,
    GeneratePairsInParallel,
    JustInTimePolicy,
    StockPolicy,
)
from ceas_ray.network.group import ProcessorGroup, ShotRoute
from ceas_ray.network.parallel_routes import ParallelRoutes
from ceas_ray.network.route import Route, Swapping
from tests.links.test_link_manager import LINK, PERIOD, PLAN, ROUTE, manager

LIMITS = StockPolicy(gap_limit=24, burst_limit=24, demand_driven=False)
TABLES = BirthTables(
    gap_births=np.ones((1, 1, 1), np.uint8), burst_births=np.full((1, 8, 4), 2, np.uint8), second_share=0.0,
    gap_slots=1, gap_stock=0, classes=2,
)  # fmt: skip
LONG = Route((LINK, LINK), (8, 9), ("hub", "node", "far"), Swapping(0.98))
BOTH = ParallelRoutes((ROUTE, LONG))
GROUP = ProcessorGroup((0, 1), (ShotRoute(ROUTE, (0, 1)), ShotRoute(LONG, (2, 3, 4))))


def with_policy(policy: StockPolicy) -> GeneratePairs:
    return replace(PLAN, policies=(policy,))


def without_keys(plan: GeneratePairs) -> GeneratePairs:
    return replace(plan, key_starts=(), key_lengths=(), key_peers=(), key_bits_wanted=np.zeros(0))


def without_shots(plan: GeneratePairs) -> GeneratePairs:
    return replace(plan, releases=np.zeros(0, np.int64), is_test=np.zeros(0, bool))


OF_TWO = replace(PLAN, pairs_per_shot=(2, 3), pair_offsets=(0, 5), policies=(LIMITS, LIMITS))
CASES: tuple[tuple[dict[str, Any], Any], ...] = (
    ({}, PLAN),
    ({}, without_keys(PLAN)),
    ({}, without_shots(PLAN)),
    ({}, without_keys(without_shots(PLAN))),
    ({}, with_policy(StockPolicy(gap_limit=0, burst_limit=9, demand_driven=True, freshest_first=True))),
    ({}, with_policy(StockPolicy(gap_limit=24, burst_limit=24, demand_driven=False, clairvoyant=True))),
    ({}, with_policy(JustInTimePolicy(gap_limit=24, burst_limit=24, demand_driven=False, lead_periods=2.5))),
    ({}, with_policy(replace(LIMITS, tables=TABLES))),
    ({}, replace(PLAN, releases=PLAN.releases[:7] + 3 * PERIOD, is_test=PLAN.is_test[:7], slots=8)),
    ({"processor": None}, without_shots(PLAN)),
    ({"served": GROUP}, OF_TWO),
    ({"served": BOTH}, GeneratePairsInParallel(parts=(PLAN, without_keys(replace(PLAN, releases=PLAN.releases + 5))))),
)


def begun(case: int, seed: int) -> SharedCall:
    of, plan = CASES[case]
    made: LinkManager = manager(seed=seed, **of)
    answer = made.begin(Envelope(deliver_at=1, sender=ENTANGLEMENT_MANAGER, serial=0, receiver=made.name, payload=plan))
    assert isinstance(answer, SharedCall) and answer.function is carry_out
    return answer


def told(call: SharedCall, output: Any) -> list[tuple[int, str, bytes]]:
    return [(effect.deliver_at, effect.receiver, encode(effect.payload)) for effect in call.then(output)]  # type: ignore[union-attr]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(range(len(CASES))), st.integers(1, 3)), min_size=1, max_size=12))
def test_plans_that_are_carried_out_together_are_what_each_is_alone(cases: list[tuple[int, int]]) -> None:
    together = [begun(*case) for case in cases]
    outputs = carry_out([call.inputs for call in together])
    found = [told(call, output) for call, output in zip(together, outputs, strict=True)]
    alone = [begun(*case) for case in cases]
    assert found == [told(call, *carry_out([call.inputs])) for call in alone]


@pytest.mark.parametrize("case", range(len(CASES)))
def test_what_is_told_of_a_plan_is_what_the_manager_tells_that_handles_it(case: int) -> None:
    of, plan = CASES[case]
    made = manager(**of)
    effects = made.handle(
        Envelope(deliver_at=1, sender=ENTANGLEMENT_MANAGER, serial=0, receiver=made.name, payload=plan)
    )
    call = begun(case, 1)
    assert told(call, *carry_out([call.inputs])) == [(e.deliver_at, e.receiver, encode(e.payload)) for e in effects]  # type: ignore[union-attr]
