"""Messages of the simulation: what a timer is for."""

from __future__ import annotations

import pytest

from ceas_ray.consensus.timers import ReplicaTimer
from ceas_ray.entanglement.hub import HubTimer
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.messages.payloads import Timer, TimerPurpose


def test_a_timer_comes_back_from_bytes_with_its_purpose_not_its_text() -> None:
    for purpose in (ReplicaTimer.VIEW_ENDS, HubTimer.PLAN_ENDS):
        assert decode(encode(Timer(purpose, 3, 1))).purpose is purpose


def test_a_timer_for_an_unknown_purpose_is_refused_where_it_is_made_and_where_it_is_decoded() -> None:
    made = encode(Timer(HubTimer.PLAN_ENDS, 3))
    for timer in (lambda: Timer("tea time", 3), lambda: decode(made.replace(b"report", b"teapot"))):  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="no timer is for 'tea"):
            timer()


def test_no_two_kinds_of_actor_have_a_timer_of_the_same_text() -> None:
    texts = [purpose.value for kind in TimerPurpose.__subclasses__() for purpose in kind]
    assert len(texts) == len(set(texts))
