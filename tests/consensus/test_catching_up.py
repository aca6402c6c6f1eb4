"""Catching up: what a replica that missed something asks and believes, and how often it answers the others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.consensus.catching_up import MAX_CATCH_UPS, CatchingUp
from ceas_ray.consensus.committee import VIEW_TIMER_DELTAS
from tests.consensus.parts import COMMITTEE, DELTA, frames_in, links_of_replica_0

VIEW = VIEW_TIMER_DELTAS * DELTA


def catching_up() -> CatchingUp:
    return CatchingUp(links_of_replica_0(), COMMITTEE)


@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from([b"a", b"b"])), max_size=8))
def test_what_b_replicas_decided_is_believed_and_each_of_them_counts_once(said: list[tuple[int, bytes]]) -> None:
    catching, first = catching_up(), dict[int, bytes]()
    for sender, value in said:
        first.setdefault(sender, value)
        catching.take_past_decide(sender, value)
    believed = [value for value in (b"a", b"b") if list(first.values()).count(value) >= COMMITTEE.blocking]
    assert catching.past in (believed or [None])


def test_new_questions_cost_keys_and_after_three_the_last_one_is_repeated() -> None:
    catching = catching_up()
    asked = [frames_in(catching.ask(now)) for now in range(20)]
    fresh = [now for now in range(20) if asked[now][0].sent_at == now]
    assert fresh == [0, 1, 2, 3, 7, 15]  # then after waiting twice as long, each time
    assert asked[4] == asked[5] == asked[6] == asked[3]


def test_new_keys_let_it_ask_and_answer_as_often_again() -> None:
    catching = catching_up()
    for now in range(9):
        catching.ask(now)
    assert [catching.may_answer(1, 0) for _ in range(MAX_CATCH_UPS + 1)] == [True] * MAX_CATCH_UPS + [False]
    catching.keys_have_come()
    assert not catching.has_asked
    assert frames_in(catching.ask(10))[0].sent_at == 10
    assert catching.may_answer(1, 0)


def test_a_questioner_is_answered_three_times_in_the_time_of_a_view() -> None:
    catching = catching_up()
    answered = [catching.may_answer(1, now) for now in (0, 1, 2, 3, VIEW - 1, VIEW, VIEW + 1)]
    assert answered == [True, True, True, False, False, True, True]
    assert catching.may_answer(2, 3)


def test_after_a_decision_everybody_may_ask_again() -> None:
    catching = catching_up()
    assert not all(catching.may_answer(1, 0) for _ in range(MAX_CATCH_UPS + 1))
    catching.has_news()
    assert catching.may_answer(1, 1)


def test_a_replica_may_have_missed_something_when_a_timer_runs_out_twice_or_too_many_views_end() -> None:
    catching = catching_up()
    assert not catching.may_have_missed(0)  # its leader may be the one Byzantine replica
    assert catching.may_have_missed(0)
    assert catching.may_have_missed(1)
