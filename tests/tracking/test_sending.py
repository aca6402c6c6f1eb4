"""Sending in a thread of its own, until the first failure."""

from __future__ import annotations

import threading

from ceas_ray.tracking.sending import Sending


def test_the_first_failure_is_one_line_and_nothing_is_sent_after_it() -> None:
    warnings: list[str] = []
    made: list[int] = []
    sending = Sending("http://there", warnings.append)
    sending.ask_for(lambda: made.append(1))
    sending.ask_for(lambda: [][1])
    sending.ask_for(lambda: made.append(2))
    sending.wait()
    assert made == [1] and sending.failed
    assert len(warnings) == 1 and warnings[0].endswith("(ceas-sync sends what is missing): list index out of range")


def test_whoever_waits_for_the_first_calls_does_not_wait_for_the_others() -> None:
    warnings: list[str] = []
    may_go_on = threading.Event()
    sending = Sending("http://there", warnings.append)
    sending.ask_for(lambda: None)
    sending.ask_for(lambda: may_go_on.wait(60) and None)
    sending.wait(60, first=1)
    assert not sending.failed
    sending.wait(0.0)
    may_go_on.set()
    assert [line.partition("missing): ")[2] for line in warnings] == ["it did not take everything within 0 s"]


def test_what_is_left_fails_without_a_word() -> None:
    warnings: list[str] = []
    sending = Sending("http://there", warnings.append)
    sending.leave()
    sending.ask_for(lambda: [][1])
    sending.wait()
    assert sending.failed and warnings == []
