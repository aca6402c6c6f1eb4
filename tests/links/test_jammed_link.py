"""A link manager whose pairs are disturbed in some rounds."""

from __future__ import annotations

import numpy as np

from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.envelope import Effect, Envelope, Send
from ceas_ray.links.jammed_link import JammedLink
from ceas_ray.messages.payloads import PlanFinished


def finished(link: str, round_index: int) -> PlanFinished:
    return PlanFinished(
        round_index=round_index, link=link, links=(0,), link_counts=np.zeros((1, 3, 5), np.int64),
        link_stored=np.zeros(1, np.int64), shots=0, shots_on_time=0, key_peers=("replica/0", "replica/2", "replica/3"),
        key_pairs=np.full(3, 100), key_bits=np.array([10.0, 20.0, 30.0]), attenuation=np.ones(1), trace=b"",
    )  # fmt: skip


class Reporting(Actor):
    """Reports the plan that it is sent."""

    def __init__(self) -> None:
        self.name, self.lookahead, self.own_lookahead = "link/replica/1", 1, 1

    def handle(self, envelope: Envelope) -> list[Effect]:
        return [Send(envelope.deliver_at + 1, "hub", envelope.payload)]


def bits(round_index: int, jammed: tuple[str, ...], link: str = "link/replica/1") -> list[float]:
    """Return what is reported of 10, 20 and 30 bits with replicas 0, 2 and 3; rounds 4 to 6 are disturbed."""
    actor = JammedLink(Reporting(), frozenset(jammed), first=4, last=6, refills=2)
    plan = finished(link, round_index)
    (sent,) = actor.handle(Envelope(deliver_at=1, sender="x", serial=0, receiver=actor.name, payload=plan))
    assert isinstance(sent, Send)
    assert isinstance(sent.payload, PlanFinished)
    found: list[float] = sent.payload.key_bits.tolist()
    return found


def test_keys_with_a_jammed_replica_are_spoiled_in_the_rounds_that_are_disturbed() -> None:
    assert bits(5, ("replica/2",)) == [10.0, 0.0, 30.0]
    assert bits(3, ("replica/2",)) == bits(7, ("replica/2",)) == [10.0, 20.0, 30.0]


def test_all_keys_on_the_leg_of_a_jammed_replica_are_spoiled() -> None:
    assert bits(4, ("replica/1",)) == [0.0, 0.0, 0.0]


def test_the_first_refills_are_disturbed_and_the_warm_up_is_not() -> None:
    jammed = ("replica/0", "replica/2", "replica/3")
    assert [sum(bits(plan, jammed)) for plan in (-1, -2, -3, -4)] == [60.0, 0.0, 0.0, 60.0]
