"""Catching up: what a replica that missed something asks and believes, and how often it answers the others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.consensus.catching_up import MAX_CATCH_UPS, CatchingUp
from ceas_ray.consensus.committee import VIEW_TIMER_DELTAS
from ceas_ray.messages.authentication import TAG_BITS
from ceas_ray.messages.frames import RESERVE_FRAMES
from tests.consensus.parts import COMMITTEE, DELTA, frames_in, lacks_nothing, links_of_replica_0

VIEW = VIEW_TIMER_DELTAS * DELTA


def catching_up() -> CatchingUp:
    return CatchingUp(links_of_replica_0(), COMMITTEE, lacks_nothing)


@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from([b"a", b"b"])), max_size=8))
def test_what_b_replicas_decided_is_believed_and_each_of_them_counts_once(said: list[tuple[int, bytes]]) -> None:
    catching, first = catching_up(), dict[int, bytes]()
    for sender, value in said:
        first.setdefault(sender, value)
        catching.take_past_decide(sender, value)
    believed = [value for value in (b"a", b"b") if list(first.values()).count(value) >= COMMITTEE.blocking]
    assert catching.past in (believed or [None])


def test_in_every_view_a_replica_asks_anew() -> None:
    catching = catching_up()
    assert [frames_in(catching.ask(now, view=now))[0].sent_at for now in range(20)] == list(range(20))


def test_in_one_view_the_last_question_is_repeated_after_three_and_costs_no_key() -> None:
    catching = catching_up()
    asked = [frames_in(catching.ask(now, view=2)) for now in range(20)]
    assert [now for now in range(20) if asked[now][0].sent_at == now] == [0, 1, 2, 3, 7, 15]
    assert asked[4] == asked[5] == asked[6] == asked[3]


def test_where_keys_for_no_more_than_a_view_are_left_the_last_question_is_repeated() -> None:
    catching = CatchingUp(links_of_replica_0(TAG_BITS * (RESERVE_FRAMES + 4)), COMMITTEE, lacks_nothing)
    assert [frames_in(catching.ask(now, view=now))[0].sent_at for now in range(6)] == [0, 1, 2, 2, 2, 2]


def test_new_keys_let_it_ask_and_answer_as_often_again() -> None:
    catching = catching_up()
    for now in range(9):
        catching.ask(now, 0)
    assert [catching.may_answer(1, 0) for _ in range(MAX_CATCH_UPS + 1)] == [True] * MAX_CATCH_UPS + [False]
    catching.keys_have_come()
    assert not catching.has_asked
    assert frames_in(catching.ask(10, 0))[0].sent_at == 10
    assert catching.may_answer(1, 0)


def test_a_questioner_is_answered_three_times_in_the_time_of_a_view() -> None:
    catching = catching_up()
    answered = [catching.may_answer(1, now) for now in (0, 1, 2, 3, VIEW - 1, VIEW, VIEW + 1)]
    assert answered == [True, True, True, False, False, True, True]
    assert catching.may_answer(2, 3)


def test_where_keys_are_short_a_questioner_is_answered_three_times_in_all() -> None:
    catching = CatchingUp(links_of_replica_0(TAG_BITS * RESERVE_FRAMES - 1), COMMITTEE, lacks_nothing)
    assert [catching.may_answer(1, now * VIEW) for now in range(5)] == [True, True, True, False, False]
    catching.keys_have_come()
    assert catching.may_answer(1, 5 * VIEW)


def test_decisions_heard_in_the_round_before_count_in_this_one() -> None:
    catching = catching_up()
    catching.take_past_decides({1: b"a"})
    assert catching.past is None
    catching.take_past_decide(2, b"a")
    assert catching.past == b"a"


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


def test_whoever_enters_a_view_and_was_not_in_the_one_before_has_missed_it() -> None:
    catching = catching_up()
    assert [catching.skips_views(view) for view in (0, 0, 1, 3, 3, 4)] == [False, False, False, True, False, False]
    assert catching_up().skips_views(1)
