"""The pace of Echoes and Fetches: so many frames a view, a Delta apart."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.consensus.pacing import Pacing
from ceas_ray.messages.frames import PACED_FRAMES

DELTA = 1000


@given(st.lists(st.tuples(st.integers(0, 3 * DELTA), st.booleans()), max_size=60))
def test_at_most_four_frames_leave_in_a_view_and_none_within_a_delta(steps: list[tuple[int, bool]]) -> None:
    pacing, now, view, left = Pacing(DELTA), 0, 0, list[tuple[int, int]]()
    for wait, next_view in steps:
        now, view = now + wait, view + next_view
        at = pacing.arm(now, view)
        if at is not None:
            now = at
            assert pacing.fires(now, view)
            pacing.left(now, view)
            left.append((now, view))
    assert all(b - a >= DELTA for (a, _), (b, _) in pairwise(left))
    assert all(sum(1 for _, of in left if of == view) <= PACED_FRAMES for view in range(61))


def test_a_timer_that_runs_is_not_set_again_until_it_fires_or_a_crash_loses_it() -> None:
    pacing = Pacing(DELTA)
    assert pacing.arm(5, 0) == 6
    assert pacing.arm(5, 0) is None
    pacing.recover()
    assert pacing.arm(7, 0) == 8


def test_what_does_not_count_takes_time_and_no_share_of_the_view() -> None:
    pacing = Pacing(DELTA)
    for number in range(10):
        pacing.left(number * DELTA, 0, counts=False)
    assert pacing.arm(9 * DELTA, 0) == 10 * DELTA


def test_a_view_that_used_up_its_frames_has_them_again_when_it_is_renewed() -> None:
    pacing = Pacing(DELTA)
    for number in range(PACED_FRAMES):
        pacing.left(number * DELTA, 0)
    assert pacing.arm(100 * DELTA, 0) is None
    pacing.renew()
    assert pacing.arm(100 * DELTA, 0) is not None
