"""Crash, recovery and catching up of the real replicas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ceas_ray.consensus.catching_up import MAX_CATCH_UPS, CatchingUp
from ceas_ray.consensus.committee import Committee
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.envelope import Envelope
from ceas_ray.messages import payloads
from ceas_ray.messages.authentication import TAG_BITS
from ceas_ray.messages.frames import FrameKind, digest_of
from ceas_ray.messages.payloads import KeysDistilled
from tests.consensus.committee import DELTA, OPENS, PLENTY, PROCESSORS, ROUND, Network, make_replica, up_to_f
from tests.consensus.parts import lacks_nothing

STEPS = 60


@pytest.mark.slow
@pytest.mark.parametrize("sends", [True, False], ids=["after sending", "before sending"])
def test_a_replica_may_crash_at_every_step_and_never_contradicts_itself(sends: bool) -> None:
    for step in range(STEPS):
        for who in (0, 2):
            crashing = (who, step)
            network = Network(4, crash=lambda j, s, at=crashing: ((j, s) == at, sends or (j, s) != at))  # type: ignore[misc]
            network.run()
            network.assert_nobody_contradicted_itself()
            assert len(network.states()) == 1, f"crash of {who} at step {step}"
            assert network.states() != Network(4).states(), "nothing was decided"


def test_a_replica_that_crashes_again_and_again_is_never_lost() -> None:
    for every in (3, 5, 8, 13):
        network = Network(4, crash=lambda j, s, every=every: (j == 1 and 0 < s < 60 and s % every == 0, True))  # type: ignore[misc]
        network.run()
        network.assert_nobody_contradicted_itself()
        assert len(network.states()) == 1


@pytest.mark.parametrize("step", [1, 4, 9])
def test_one_that_was_away_for_two_rounds_fetches_the_model_by_its_digest(step: int) -> None:
    network = Network(4, rounds=4, crash=lambda j, s: ((j, s) == (3, step), True), down=2 * ROUND)
    network.run()
    network.assert_nobody_contradicted_itself()
    assert len(network.states()) == 1
    assert (3, 0) not in network.decided
    assert network.decided[3, 3].digest == network.decided[0, 3].digest
    kinds = {frame.kind for frame in network.sent if frame.sender == "replica/3"}
    assert {FrameKind.CATCH_UP, FrameKind.FETCH} <= kinds


def test_one_that_was_away_makes_up_for_one_that_leaves() -> None:
    def crash(replica: int, step: int) -> tuple[bool, bool]:
        return (replica, step) == (3, 4) or (replica == 0 and ROUND < network.now < 3 * ROUND), True

    network = Network(4, rounds=3, crash=crash, down=ROUND)
    network.run()
    network.assert_the_books_of_keys_are_exact()
    assert {j for j, round_index in network.decided if round_index == 0} == {0, 1, 2}
    assert {j for j, round_index in network.decided if round_index == 1} == {1, 2, 3}


def test_a_stalled_replica_asks_with_the_same_frame_and_stops_when_told_to() -> None:
    network = Network(4, silent=frozenset({0, 1}))
    network.run()
    assert not network.decided
    questions = [f for f in network.sent if f.kind == FrameKind.CATCH_UP and f.sender == "replica/2"]
    assert len(questions) > 30
    assert len({(f.receiver, f.counter) for f in questions}) < len(questions) / 3
    spent = network.replicas[2].channel("replica/3").outgoing.spent
    assert spent < 61 * 30, "a stall must not burn keys"


def decided_network() -> Network:
    network = Network(4)
    network.run()
    assert len(network.decided) == 4
    return network


def test_what_a_replica_decided_is_still_valid_to_it_after_a_crash() -> None:
    """Found by the explorer: its vote may be needed by others who have not decided, in a later view."""
    network = decided_network()
    digest = network.decided[2, 0].digest
    recovered = make_replica(2, 4)
    recovered.recover(decode(encode(network.replicas[2].persistent())), network.now)
    again = make_replica(2, 4)
    again.recover(decode(encode(recovered.persistent())), network.now)
    for replica in (recovered, again):
        assert replica._agreement._is_valid(digest)


def test_one_that_has_decided_says_so_again_when_the_round_gets_new_keys() -> None:
    """Found by the explorer: somebody waits for it, or no keys would come."""
    network = decided_network()
    keys = KeysDistilled(0, np.full((2, PROCESSORS + 4), 1000))
    sent = network.replicas[1].handle(
        Envelope(deliver_at=network.now, sender="entanglement_manager", serial=0, receiver="replica/1", payload=keys)
    )
    assert {(e.receiver, e.payload.kind) for e in sent} == {(f"replica/{j}", FrameKind.DECIDE) for j in (0, 2, 3)}  # type: ignore[union-attr]


def test_who_asked_too_often_before_the_decision_is_answered_after_it() -> None:
    """Found by the explorer: the answers to a replica behind a partition were used up before there was an answer."""
    catching_up = CatchingUp(make_replica(0, 4)._links, Committee(4, PROCESSORS, 1, DELTA), lacks_nothing)
    for news in (catching_up.has_news, catching_up.keys_have_come):
        assert [catching_up.may_answer(3, 0) for _ in range(MAX_CATCH_UPS + 1)] == [True] * MAX_CATCH_UPS + [False]
        news()
    assert catching_up.may_answer(3, 0)


@pytest.mark.parametrize("replicas", [4, 7, 10])
def test_one_asks_what_it_missed_when_more_views_have_ended_than_byzantine_leaders_account_for(replicas: int) -> None:
    """Found by the explorer: it counted its own timers, and those of others may be a little faster each time."""
    committee = Committee(replicas, PROCESSORS, 1, DELTA)
    faults = (replicas - 1) // 3
    for view in range(replicas):
        catching_up = CatchingUp(make_replica(0, replicas)._links, committee, lacks_nothing)
        assert catching_up.may_have_missed(view) == (view + 1 > faults)
        assert catching_up.may_have_missed(view), "the second time in one view"


def test_the_test_report_outlives_a_crash_and_serves_when_it_comes_late() -> None:
    """Found by the explorer: nobody can say it again, and without it a replica judges nothing."""
    report = payloads.TestReport(round_index=0, tested=np.ones((PROCESSORS, 3)), errors=np.zeros((PROCESSORS, 3)))
    started = payloads.RoundStarted(
        round_index=0,
        plan_ends_at=0,
        inputs_open_until=OPENS,
        inputs_time_out_at=2 * OPENS,
        key_bits=np.full((2, PROCESSORS + 4), PLENTY),
    )
    replica = make_replica(0, 4)
    replica.handle(
        Envelope(deliver_at=1, sender="entanglement_manager", serial=0, receiver="replica/0", payload=started)
    )
    replica.handle(Envelope(deliver_at=2, sender="hub", serial=0, receiver="replica/0", payload=report))
    recovered = make_replica(0, 4)
    recovered.recover(decode(encode(replica.persistent())), 3)
    assert recovered._agreement.inputs.report == digest_of(encode(report))
    late = make_replica(0, 4)
    late.handle(Envelope(deliver_at=1, sender="entanglement_manager", serial=0, receiver="replica/0", payload=started))
    late.handle(
        Envelope(
            deliver_at=2 * OPENS,
            sender="replica/0",
            serial=0,
            receiver="replica/0",
            payload=payloads.Timer("must close", 0),
        )
    )
    late.handle(Envelope(deliver_at=2 * OPENS + 1, sender="hub", serial=0, receiver="replica/0", payload=report))
    assert late._agreement.phase.closed
    assert late._agreement.inputs.report == digest_of(encode(report))


@pytest.mark.parametrize("again", [0, 1, 2])
def test_a_replica_never_begins_a_round_twice_nor_goes_back_to_an_earlier_one(again: int) -> None:
    replica = make_replica(0, 4)

    def begin(round_index: int) -> None:
        started = payloads.RoundStarted(
            round_index=round_index, plan_ends_at=0, inputs_open_until=OPENS, inputs_time_out_at=2 * OPENS,
            key_bits=np.full((2, PROCESSORS + 4), PLENTY),
        )  # fmt: skip
        replica.handle(
            Envelope(deliver_at=1, sender="entanglement_manager", serial=0, receiver="replica/0", payload=started)
        )

    for round_index in (0, 1, 2):
        begin(round_index)
    before = encode(replica.persistent())
    begin(again)
    assert encode(replica.persistent()) == before


def frames_when_inputs_may_close(heard_at: int) -> set[tuple[str, int]]:
    """Receiver and kind of what a replica says then that hears of a round at this time."""
    replica = make_replica(0, 4)
    started = payloads.RoundStarted(
        round_index=0, plan_ends_at=0, inputs_open_until=OPENS, inputs_time_out_at=2 * OPENS,
        key_bits=np.full((2, PROCESSORS + 4), PLENTY),
    )  # fmt: skip
    replica.handle(
        Envelope(deliver_at=heard_at, sender="entanglement_manager", serial=0, receiver="replica/0", payload=started)
    )
    at = max(OPENS, heard_at + 1)
    sent = replica.handle(
        Envelope(
            deliver_at=at, sender="replica/0", serial=1, receiver="replica/0", payload=payloads.Timer("may close", 0)
        )
    )
    return {(effect.receiver, effect.payload.kind) for effect in sent}  # type: ignore[union-attr]


@pytest.mark.parametrize("after", [0, 1, 3 * DELTA])
def test_one_that_hears_of_a_round_after_others_may_have_spoken_asks_what_it_missed(after: int) -> None:
    """It was down when the round began: two views of honest leaders were lost before it asked."""
    asked = {(f"replica/{j}", FrameKind.CATCH_UP) for j in (1, 2, 3)}
    assert frames_when_inputs_may_close(OPENS + after) == asked


def test_one_that_hears_of_a_round_in_time_asks_nothing() -> None:
    assert frames_when_inputs_may_close(OPENS - 1) == set()


def test_the_decision_takes_five_delays_after_an_echo() -> None:
    network = Network(7)
    network.run()
    assert len(network.decided) == 7
    assert {d.view for d in network.decided.values()} == {0}
    decides = [f.sent_at for f in network.sent if f.kind == FrameKind.DECIDE]
    assert {at - OPENS for at in decides} == {6 * DELTA}


def test_without_keys_nothing_is_said_and_nothing_forks() -> None:
    network = Network(4, key_bits=2 * 61 * 4)
    network.run()
    assert not network.decided
    assert len(network.states()) == 1
    network.assert_the_books_of_keys_are_exact()


@given(replicas=st.sampled_from([4, 7]), tags=st.integers(0, 16))
@settings(max_examples=34)
def test_with_too_few_keys_a_committee_agrees_on_nothing_until_the_refill_and_then_on_the_round(
    replicas: int, tags: int
) -> None:
    """An Echo leaves 9 tags for a view: with less than 11, one for a hash key, nobody echoes, and the round waits."""
    for refilled in (False, True):
        network = Network(replicas, key_bits=2 * 61 * tags)
        if refilled:
            network.refill(100 * DELTA, 0, PLENTY)
        network.run()
        assert len(network.decided) == (replicas if refilled or tags >= 11 else 0)
        assert {d.skipped for d in network.decided.values()} <= {False}
        assert len({d.digest for d in network.decided.values()}) <= 1
        assert len(network.states()) == 1
        network.assert_nobody_contradicted_itself()
        network.assert_the_books_of_keys_are_exact()


@pytest.mark.slow
@given(replicas=st.sampled_from([4, 5, 7]), seed=st.integers(0, 10**6))
@example(replicas=4, seed=53718)
@example(replicas=4, seed=18433)
@settings(max_examples=60)
def test_links_that_run_out_of_keys_one_by_one_never_split_a_committee_and_a_refill_helps(
    replicas: int, seed: int
) -> None:
    """Every link has keys of its own, up to f members are silent, others crash; then comes the refill."""
    draw = np.random.default_rng(seed)
    silent = up_to_f(draw, replicas)
    tags = np.triu(draw.integers(0, draw.choice([6, 12, 30]) + 1, (replicas, replicas)), 1)
    crashes = {(int(draw.integers(replicas)), int(draw.integers(10 * replicas))) for _ in range(draw.integers(3))}
    network = Network(
        replicas, rounds=2, silent=silent, key_bits=2 * 61 * (tags + tags.T),
        crash=lambda j, step: ((j, step) in crashes, True),
    )  # fmt: skip
    for round_index in (0, 1):
        network.refill(round_index * ROUND + 100 * DELTA, round_index, PLENTY)
    network.run()
    for round_index in (0, 1):
        found = {j: d for (j, t), d in network.decided.items() if t == round_index}
        assert set(found) == set(range(replicas)) - silent
        assert len({d.digest for d in found.values()}) == 1
    assert len(network.states()) == 1
    network.assert_nobody_contradicted_itself()
    network.assert_the_books_of_keys_are_exact()


class OneUpdateLost(Network):
    """The last update does not reach replica 3, which needs it: replica 2 is silent."""

    def push(self, at: int, replica: int, sender: str, payload: Any) -> None:
        if (replica, sender) != (3, f"processor/{PROCESSORS - 1}"):
            super().push(at, replica, sender, payload)


def test_what_was_not_asked_for_want_of_keys_is_asked_for_when_keys_come() -> None:
    """It was asked for when the view ended, so that the refill came too late for an honest leader's view."""
    network = OneUpdateLost(4, silent=frozenset({2}), key_bits=2 * 12 * TAG_BITS)
    network.refill(OPENS + 5 * DELTA, 0, PLENTY)
    network.run()
    asked_at = [frame.sent_at for frame in network.sent if frame.kind == FrameKind.FETCH]
    assert min(asked_at) >= OPENS + 5 * DELTA, "the keys sufficed for Echoes and a view"
    assert {j: decided.view for (j, _), decided in network.decided.items()} == dict.fromkeys((0, 1, 3), 0)
