"""A link manager: carries out whole plans, and says what became of every pair."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.envelope import Envelope, Send
from ceas_ray.kernel.streams import Streams
from ceas_ray.links.link_manager import LinkManager
from ceas_ray.messages import payloads
from ceas_ray.messages.pair_books import AUTHENTICATION, GENERATED, LATE, TESTING, USED
from ceas_ray.messages.payloads import (
    ENTANGLEMENT_MANAGER,
    GeneratePairs,
    GeneratePairsInParallel,
    PlanFinished,
    ShotsDelivered,
    StockPolicy,
    StopWaiting,
)
from ceas_ray.network.group import ProcessorGroup, ShotRoute
from ceas_ray.network.parallel_routes import ParallelRoutes
from ceas_ray.network.route import Route, Swapping
from tests.network.hardware import HARDWARE

LINK = HARDWARE.link(1.0, 0.97)
DELAY, SHOTS, PERIOD, STARTS = 10**7, 60, 10**9, 10**8
PLAN = GeneratePairs(
    round_index=0,
    starts_at=STARTS,
    releases=PERIOD * np.arange(SHOTS),
    is_test=np.arange(SHOTS) % 4 == 0,
    pairs_per_shot=(6,),
    pair_offsets=(0,),
    shot_deadline=PERIOD,
    shot_period=PERIOD,
    burst_shots=8,
    policies=(StockPolicy(gap_limit=24, burst_limit=24, demand_driven=False),),
    useful_age=3 * PERIOD,
    min_fidelity=0.0,
    slots=24,
    key_starts=((SHOTS + 1) * PERIOD + 10**10, (SHOTS + 1) * PERIOD),
    key_lengths=(10**10, 10**10),
    key_peers=("replica/0", "replica/1"),
    key_bits_wanted=np.array([50.0, 20.0]),
    key_useful_age=5 * 10**8,
)
SEND_AT = STARTS + (SHOTS + 1) * PERIOD + 2 * 10**10 + DELAY
ROUTE = Route((LINK,), (7,), ("hub", "node"), Swapping(0.98))
REPLICA_LEGS = {f"replica/{j}": Route((LINK,), (8 + j,), ("hub", f"replica/{j}"), Swapping(0.98)) for j in range(2)}


def manager(
    processor: int | None = 4, seed: int = 1, served: ProcessorGroup | ParallelRoutes | None = None
) -> LinkManager:
    name = "link/replica/0" if processor is None else f"link/processor/{processor}"
    keys = {peer: ROUTE.reversed().then(leg) for peer, leg in REPLICA_LEGS.items()}
    return LinkManager(
        name, ROUTE, key_routes=keys, processor=processor, report_delay=DELAY, streams=Streams(seed), served=served
    )


def carried_out(of: LinkManager, plan: GeneratePairs = PLAN) -> dict[type, Send]:
    effects = of.handle(Envelope(deliver_at=1, sender=ENTANGLEMENT_MANAGER, serial=0, receiver=of.name, payload=plan))
    sends = [effect for effect in effects if isinstance(effect, Send)]
    assert len(sends) == len(effects) == len({type(send.payload) for send in sends})
    return {type(send.payload): send for send in sends}


def test_every_generated_pair_is_accounted_for_on_its_physical_link() -> None:
    finished: PlanFinished = carried_out(manager())[PlanFinished].payload
    assert finished.links == (7, 8, 9)
    books = finished.link_counts[:, AUTHENTICATION]
    assert (books[:, GENERATED] == books[:, USED:].sum(axis=1)).all() and (books[:, GENERATED] > 0).all()
    assert books[0, USED] == books[1:, USED].sum() == finished.key_pairs.sum()
    shots = finished.link_counts[:, [0, TESTING]].sum(axis=1)
    assert (shots[:, GENERATED] == shots[:, USED:].sum(axis=1) + finished.link_stored).all()
    assert shots[0, GENERATED] > 0 and not shots[1:].any()


def test_shots_are_reported_after_the_last_deadline_and_keys_after_the_last_slot() -> None:
    sent = carried_out(manager())
    shots_over = STARTS + (SHOTS - 1) * PERIOD + PERIOD + DELAY
    assert sent[ShotsDelivered].deliver_at == sent[payloads.TestOutcomes].deliver_at == shots_over
    assert sent[ShotsDelivered].receiver == "processor/4"
    assert sent[PlanFinished].deliver_at == SEND_AT


def test_a_processor_learns_of_its_training_shots_and_the_hub_of_the_tests() -> None:
    sent = carried_out(manager())
    finished, delivered = sent[PlanFinished].payload, sent[ShotsDelivered].payload
    outcomes = sent[payloads.TestOutcomes].payload
    assert len(delivered.on_time) == int((~PLAN.is_test).sum())
    assert delivered.on_time.sum() * 6 == finished.link_counts[0, 0, USED]
    assert outcomes.tested.sum() == finished.link_counts[0, TESTING, USED] > 0
    assert (outcomes.errors <= outcomes.tested).all()


def test_no_path_gets_more_key_than_it_wants() -> None:
    finished: PlanFinished = carried_out(manager())[PlanFinished].payload
    assert finished.key_peers == PLAN.key_peers
    assert (finished.key_bits <= PLAN.key_bits_wanted).all()
    assert (finished.key_bits > 0).all()


@pytest.mark.parametrize("policy", [
    StockPolicy(gap_limit=24, burst_limit=24, demand_driven=False),
    StockPolicy(gap_limit=24, burst_limit=24, demand_driven=False, freshest_first=True),
    StockPolicy(gap_limit=4, burst_limit=4, demand_driven=False),
])  # fmt: skip
def test_keys_take_the_same_pairs_under_every_policy_and_no_more_than_they_need(policy: StockPolicy) -> None:
    no_shots = replace(PLAN, releases=np.zeros(0, np.int64), is_test=np.zeros(0, bool))
    longer = replace(no_shots, key_starts=(0, 10**12), key_lengths=(10**12, 10**12))
    on_demand = StockPolicy(gap_limit=0, burst_limit=24, demand_driven=True)
    found, same = (
        carried_out(manager(), replace(longer, policies=(of,)))[PlanFinished].payload for of in (policy, on_demand)
    )
    assert found.key_bits.tolist() == PLAN.key_bits_wanted.tolist()
    books = found.link_counts[:, AUTHENTICATION]
    assert books.tolist() == same.link_counts[:, AUTHENTICATION].tolist()
    assert (books[:, GENERATED] - books[:, USED] <= 3).all(), "a thousand times longer slots yield no pair in vain"


def test_the_leg_of_a_replica_reports_to_the_entanglement_manager_alone() -> None:
    without_shots = replace(PLAN, releases=np.zeros(0, np.int64), is_test=np.zeros(0, bool))
    assert set(carried_out(manager(None), without_shots)) == {PlanFinished}


def test_the_warm_up_tests_and_trains_nothing() -> None:
    sent = carried_out(manager(), replace(PLAN, round_index=-1, is_test=np.ones(SHOTS, bool)))
    assert set(sent) == {PlanFinished, payloads.TestOutcomes}


def test_a_plan_needs_nothing_of_the_one_before() -> None:
    used = manager()
    carried_out(used, replace(PLAN, round_index=3))
    again, fresh = (encode(carried_out(one)[PlanFinished].payload) for one in (used, manager()))
    assert again == fresh
    used.restore(decode(encode(used.snapshot())))
    assert encode(carried_out(used)[PlanFinished].payload) == fresh


def test_other_rounds_and_other_seeds_have_other_draws() -> None:
    traces = {
        carried_out(one, plan)[PlanFinished].payload.trace
        for one, plan in ((manager(), PLAN), (manager(), replace(PLAN, round_index=1)), (manager(seed=2), PLAN))
    }
    assert len(traces) == 3


def test_a_shot_of_two_routes_is_on_time_if_it_is_on_both() -> None:
    other = Route((replace(LINK, success_probability=0.001),), (3,), ("node", "other"), Swapping(0.98))
    group = ProcessorGroup((4, 5), (ShotRoute(ROUTE, (0, 1, 2, 3, 4, 5)), ShotRoute(other, (6, 7))))
    plan = replace(PLAN, pairs_per_shot=(6, 2), pair_offsets=(0, 0), policies=PLAN.policies * 2)
    sent = carried_out(manager(served=group), plan)
    finished, delivered = sent[PlanFinished].payload, sent[ShotsDelivered].payload
    assert finished.links == (3, 7, 8, 9)
    on_time = delivered.on_time.sum()
    assert (finished.link_counts[[1, 0], 0, USED] == [6 * on_time, 2 * on_time]).all()
    assert finished.link_counts[1, 0, LATE] > 0, "the slow route is late now and then"


def test_shots_that_are_divided_over_routes_are_each_served_by_one_of_them() -> None:
    other = Route((replace(LINK, fidelity=0.9),), (3,), ("hub", "node"), Swapping(0.98))
    of_manager = manager(served=ParallelRoutes((ROUTE, other)))
    some = PLAN.releases[: SHOTS // 3] + PERIOD // 2
    no_keys = {"key_starts": (), "key_lengths": (), "key_peers": (), "key_bits_wanted": np.zeros(0)}
    second = replace(PLAN, releases=some, is_test=np.arange(len(some)) % 2 == 0, **no_keys)  # type: ignore[arg-type]
    sent = carried_out(of_manager, GeneratePairsInParallel(parts=(PLAN, second)))  # type: ignore[arg-type]
    alone = carried_out(manager())
    finished, delivered = sent[PlanFinished].payload, sent[ShotsDelivered].payload
    assert finished.links == (3, 7, 8, 9) and finished.shots == SHOTS + len(some)
    of_first = alone[PlanFinished].payload
    assert (finished.link_counts[1] == of_first.link_counts[0]).all(), "the first route has the draws of a plan alone"
    assert finished.key_bits.tolist() == of_first.key_bits.tolist()
    spent = finished.link_counts[[0, 1], 0, USED]
    assert (spent > 0).all() and spent.sum() == 6 * delivered.on_time.sum()
    assert len(delivered.on_time) == np.count_nonzero(~PLAN.is_test) + np.count_nonzero(~second.is_test)
    better, mixed = alone[ShotsDelivered].payload.attenuation[1], delivered.attenuation[1]
    assert mixed < better, "the mean is over the worse pairs of the second route too"
    tests = [one[payloads.TestOutcomes].payload.tested.sum() for one in (alone, sent)]
    assert tests[1] == tests[0] + finished.link_counts[0, TESTING, USED]


@pytest.mark.parametrize(("payload", "error", "message"), [
    (StopWaiting(0), TypeError, "link/processor/4 cannot handle StopWaiting"),
    (replace(PLAN, starts_at=0), ValueError, "a plan must come before it starts"),
])  # fmt: skip
def test_what_is_no_plan_in_time_is_an_error(payload: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        manager().handle(
            Envelope(deliver_at=1, sender=ENTANGLEMENT_MANAGER, serial=0, receiver="link/processor/4", payload=payload)
        )
