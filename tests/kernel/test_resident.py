"""The kernel's books on an actor: nothing leaves too early."""

from __future__ import annotations

import pytest

from ceas_ray.kernel.envelope import Effect, Envelope, Mark, Send
from ceas_ray.kernel.resident import Resident
from tests.kernel.random_actors import RandomActor


def resident() -> Resident:
    actor = RandomActor(0, 2, 1, False)
    actor.lookahead, actor.own_lookahead = 10, 3
    return Resident(actor, promised=12)


def leave(of: Resident, *effects: Effect, serial: int | None = None, at: int = 5) -> None:
    """Let these leave after an envelope from elsewhere, or the actor's own with this serial."""
    sender = "elsewhere" if serial is None else "kind0/0"
    of.check_leaving(
        Envelope(deliver_at=at, sender=sender, serial=serial or 0, receiver="kind0/0", payload=None), effects
    )


def test_what_leaves_within_lookahead_and_promise_is_let_through() -> None:
    leave(resident(), Send(15, "other", None), Mark(0, 15, None), Send(6, "kind0/0", None))


@pytest.mark.parametrize(("effect", "complaint"), [
    (Send(14, "other", None), "before its lookahead"), (Mark(0, 14, None), "before its lookahead"),
    (Send(5, "kind0/0", None), "after its cause"),
])  # fmt: skip
def test_what_leaves_too_early_is_an_error(effect: Effect, complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        leave(resident(), effect)


def test_nothing_leaves_before_what_was_promised() -> None:
    with pytest.raises(AssertionError, match="a promise was broken"):
        leave(resident(), Send(11, "other", None), at=1)


def test_what_a_timer_causes_leaves_no_sooner_than_what_set_it_might_have_caused() -> None:
    of = resident()
    leave(of, Send(6, "kind0/0", None))
    with pytest.raises(AssertionError, match="before its lookahead"):
        leave(of, Send(14, "other", None), serial=0, at=6)
