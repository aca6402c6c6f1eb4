"""What every simulated actor has, and what one that stands for another passes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ceas_ray.kernel.actor import Actor, ChangedActor, SharingActor, WrappedActor
from ceas_ray.kernel.envelope import Answer, Effect, Envelope, Send, SharedCall, effects_of


@dataclass
class Handled:
    envelopes: int


class Counting(Actor):
    """Counts what it is sent and promises silence for 5 ps."""

    def __init__(self) -> None:
        self.name, self.lookahead, self.own_lookahead = "replica/3/spare", 7, 2
        self.state = Handled(0)

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        self.state.envelopes += 1
        return [Send(envelope.deliver_at + 7, "hub", envelope.payload)]

    def promise(self, now: int) -> int:
        return now + 5

    def accounts(self) -> dict[str, int]:
        return {"envelopes": self.state.envelopes}


class Muted(WrappedActor):
    """Lets an actor do its work, and says nothing of it."""

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        self.actor.handle(envelope)
        return []


def envelope() -> Envelope:
    return Envelope(deliver_at=1, sender="hub", serial=0, receiver="replica/3/spare", payload=None)


def test_the_kind_of_an_actor_is_its_name_up_to_the_first_slash() -> None:
    assert Counting().kind == "replica"


def test_an_actor_that_says_nothing_else_promises_nothing_and_has_no_accounts() -> None:
    class Quiet(Actor):
        def handle(self, envelope: Envelope) -> Sequence[Effect]:
            return []

    assert (Quiet().promise(9), Quiet().accounts()) == (0, {})


def test_a_wrapped_actor_has_the_name_the_promises_and_the_accounts_of_the_one_inside() -> None:
    wrapped = Muted(Counting())
    assert list(wrapped.handle(envelope())) == []
    assert (wrapped.name, wrapped.kind, wrapped.lookahead, wrapped.own_lookahead) == (
        "replica/3/spare",
        "replica",
        7,
        2,
    )
    assert (wrapped.promise(10), wrapped.accounts()) == (15, {"envelopes": 1})


def test_the_snapshot_of_a_wrapped_actor_holds_the_one_inside() -> None:
    one, other = Muted(Counting()), Muted(Counting())
    one.handle(envelope())
    other.restore(one.snapshot())
    assert other.accounts() == {"envelopes": 1}


class Doubling(SharingActor, Counting):
    """Lacks a call."""

    def begin(self, envelope: Envelope) -> Answer:
        return SharedCall(lambda inputs: [2 * n for n in inputs], 4, lambda output: [Send(9, "hub", output)])


def test_an_actor_that_lacks_a_call_handles_an_envelope_with_the_call_made_for_it_alone() -> None:
    assert Doubling().handle(envelope()) == [Send(9, "hub", 8)]


class Signed(ChangedActor):
    """Signs what leaves an actor."""

    def change(self, effects: Sequence[Effect]) -> Sequence[Effect]:
        return [Send(9, "hub", (effect.payload, "signed")) for effect in effects if isinstance(effect, Send)]


def test_what_leaves_a_changed_actor_is_changed_whether_or_not_it_lacks_a_call() -> None:
    assert list(Signed(Counting()).handle(envelope())) == [Send(9, "hub", (None, "signed"))]
    lacking = Signed(Doubling()).begin(envelope())
    assert isinstance(lacking, SharedCall)
    assert effects_of(lacking) == Signed(Doubling()).handle(envelope()) == [Send(9, "hub", (8, "signed"))]
