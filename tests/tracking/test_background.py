"""Calls in a thread of their own."""

from __future__ import annotations

import threading

from ceas_ray.tracking.background import Background


def test_calls_are_made_in_their_order_and_nobody_waits_for_them() -> None:
    background, may_go_on, made = Background(), threading.Event(), []
    background.ask_for(lambda: made.append(may_go_on.wait(60)))
    background.ask_for(lambda: made.append(2))
    assert made == []
    assert not background.wait(0.0, patient=False)
    may_go_on.set()
    assert background.wait(60.0, patient=False)
    assert made == [True, 2]


def test_nothing_to_do_is_done() -> None:
    assert Background().wait(0.0, patient=True)
