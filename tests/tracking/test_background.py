"""Calls in a thread of their own."""

from __future__ import annotations

import threading

import pytest

from ceas_ray.tracking.background import Background


def test_calls_are_made_in_their_order_and_nobody_waits_for_them() -> None:
    background, may_go_on, made = Background(), threading.Event(), []
    background.ask_for(lambda: made.append(may_go_on.wait(60)))
    background.ask_for(lambda: made.append(2))
    assert made == []
    assert not background.wait(0.0)
    may_go_on.set()
    assert background.wait(60.0)
    assert made == [True, 2]


def test_nothing_to_do_is_done() -> None:
    assert Background().wait(0.0)


def test_a_call_without_a_sign_is_not_waited_for_and_parts_that_are_done_are_signs() -> None:
    background, may_go_on, done = Background(), threading.Event(), list[bool]()
    background.ask_for(lambda: done.append(may_go_on.wait(60)))
    assert not background.wait(silence=0.0)
    assert not background.wait(60.0, silence=0.0)
    may_go_on.set()
    assert background.wait(silence=60.0)


def test_silence_before_a_wait_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("ceas_ray.tracking.background.time.monotonic", lambda: now[0])
    background, began, may_go_on = Background(), threading.Event(), threading.Event()
    background.ask_for(lambda: (began.set(), may_go_on.wait(60))[0])
    assert began.wait(60)
    now[0] += 10
    assert not background.wait(silence=10)
    may_go_on.set()
    assert background.wait(silence=60)
