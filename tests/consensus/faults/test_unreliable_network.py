"""The unreliable classical network: loss, partitions, retransmission."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.consensus.faults.unreliable_network import (
    FrameLoss,
    NetworkFault,
    NetworkPartition,
    OnUnreliableNetwork,
)
from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.envelope import Effect, Envelope, Send
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import Channel, FrameKind

INTERVAL = 100


def frame_of(sender: str = "replica/0", receiver: str = "replica/1") -> Frame:
    channel = Channel(sender, receiver, chain=b"chain", streams=Streams(1), fresh_hash_keys=True)
    channel.add_key_bits(10**4, 10**4)
    frame = channel.seal(FrameKind.ECHO, round_index=0, view=0, now=0, body=b"")
    assert frame is not None
    return frame


class Says(Actor):
    """Sends the same at once, whatever it hears."""

    def __init__(self, payload: Any) -> None:
        self.name, self.lookahead, self.own_lookahead, self.payload = "replica/0", 1, 1, payload

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        return [Send(envelope.deliver_at + 5, "replica/1", self.payload)]


class Stops:
    """A fault that stops the first transmissions of every frame."""

    def __init__(self, first: int) -> None:
        self.first = first

    def stops(self, frame: Frame, at: int, attempt: int) -> bool:
        return attempt < self.first


def arrivals(fault: NetworkFault, retransmissions: int, payload: Any = None, now: int = 0) -> list[int]:
    actor = OnUnreliableNetwork(Says(payload or frame_of()), [fault], INTERVAL, retransmissions)
    asked = Envelope(deliver_at=now, sender="hub", serial=0, receiver="replica/0", payload="speak")
    return [effect.deliver_at for effect in actor.handle(asked) if isinstance(effect, Send)]


@given(first=st.integers(0, 8), retransmissions=st.integers(0, 8))
def test_the_first_copy_that_gets_through_arrives_and_after_the_last_the_frame_is_given_up(
    first: int, retransmissions: int
) -> None:
    expected = [5 + first * INTERVAL] if first <= retransmissions else []
    assert arrivals(Stops(first), retransmissions) == expected


def test_what_is_no_frame_is_not_lost() -> None:
    assert arrivals(Stops(9), 0, payload="a report to the manager") == [5]


@pytest.mark.parametrize(("now", "expected"), [(0, [5]), (10, []), (19, []), (20, [25])])
def test_a_partition_stops_what_crosses_it_until_it_heals(now: int, expected: list[int]) -> None:
    cut = NetworkPartition(frozenset({"replica/1"}), begins=10, heals=20)
    assert arrivals(cut, 0, now=now) == expected


def test_within_a_side_of_a_partition_frames_pass() -> None:
    cut = NetworkPartition(frozenset({"replica/0", "replica/1"}), begins=0, heals=20)
    assert arrivals(cut, 0) == [5]


def test_a_lost_frame_is_lost_again_in_every_repetition_of_a_run_and_the_share_is_as_set() -> None:
    losses = FrameLoss(0.3, Streams(1))
    frame = frame_of()
    lost = [losses.stops(frame, 0, attempt) for attempt in range(2000)]
    assert lost == [FrameLoss(0.3, Streams(1)).stops(frame, 9, attempt) for attempt in range(2000)]
    assert sum(lost) == pytest.approx(600, abs=5 * (2000 * 0.3 * 0.7) ** 0.5)
