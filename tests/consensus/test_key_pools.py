"""The laws of key pools, as a state machine over the two ends of a link."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.authentication import MOST_ATTEMPTS, TAG_BITS, polynomial
from ceas_ray.messages.frames import Channel, FrameKind
from ceas_ray.messages.payloads import Frame
from ceas_ray.quantum.bell_pairs import key_rate

KINDS = st.sampled_from([FrameKind.VOTE1, FrameKind.ECHO, FrameKind.FETCH, FrameKind.VIEW_CHANGE])


class Link(RuleBasedStateMachine):
    """Frames may be delivered, lost, delayed, replayed and forged; either end may be restored from its disk."""

    def __init__(self) -> None:
        super().__init__()
        ends = ("replica/0", "replica/1")
        self.sender, self.receiver = (
            Channel(name, peer, b"chain", Streams(1), True) for name, peer in (ends, ends[::-1])
        )
        self.round = 0
        self.frames: list[Frame] = []
        self.accepted: list[Frame] = []
        self.distilled = 0

    @rule(tags=st.integers(0, 20))
    def refill(self, tags: int) -> None:
        for end in (self.sender, self.receiver):
            end.add_key_bits(2 * TAG_BITS * tags)
        self.distilled += TAG_BITS * tags

    @rule(kind=KINDS, body=st.binary(max_size=20))
    def send(self, kind: FrameKind, body: bytes) -> None:
        pool = self.sender.outgoing
        stored = pool.stored
        frame = self.sender.seal(kind, self.round, 0, len(self.frames), body)
        if frame is None:
            kept = {FrameKind.ECHO: 9, FrameKind.FETCH: 10}.get(kind, 0)
            assert stored < TAG_BITS * (2 + kept), "refused although the key suffices"
            assert pool.stored == stored
        else:
            self.frames.append(frame)

    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        if not self.frames:
            return
        frame = data.draw(st.sampled_from(self.frames))
        if self.receiver.open(frame) is not None:
            assert frame not in self.accepted, "a replay was accepted"
            self.accepted.append(frame)

    @rule(counter=st.integers(0, 60), tag=st.integers(0, 2**61 - 2), times=st.integers(1, MOST_ATTEMPTS + 2))
    def forge(self, counter: int, tag: int, times: int) -> None:
        forged = Frame(int(FrameKind.VOTE1), b"chain", self.round, 0, "replica/0", "replica/1", counter, 0, b"x", tag)
        for _ in range(times):
            assert self.receiver.open(forged) is None

    @rule()
    def end_round(self) -> None:
        self.round += 1
        self.receiver.incoming.end_round()

    @rule()
    def crash_and_recover(self) -> None:
        for end in (self.sender, self.receiver):
            end.restore(decode(encode(end.snapshot())))

    @rule()
    def after_a_refill_the_link_works_again(self) -> None:
        self.refill(20)
        frame = self.sender.seal(FrameKind.VOTE1, self.round, 0, len(self.frames), b"after the refill")
        assert frame is not None, "a refill did not help"
        self.frames.append(frame)

    @invariant()
    def every_bit_is_accounted_for(self) -> None:
        for pool in (self.sender.outgoing, self.receiver.incoming):
            assert pool.distilled == self.distilled == pool.spent + pool.stored + pool.erased
            assert min(pool.spent, pool.stored, pool.erased) >= 0
        assert self.sender.outgoing.erased == 0

    @invariant()
    def no_slot_tags_two_messages(self) -> None:
        counters = [frame.counter for frame in self.frames]
        assert len(counters) == len(set(counters))

    @invariant()
    def memory_is_bounded_by_two_rounds(self) -> None:
        pool = self.receiver.incoming
        used = pool.snapshot()[7]
        assert all(slot >= pool.snapshot()[5] for slot in used)


def test_a_fidelity_of_83_yields_no_key_and_one_of_84_about_a_fiftieth_of_a_bit_per_pair() -> None:
    assert key_rate(0.83) == 0
    assert key_rate(0.84) == pytest.approx(0.0205, abs=5e-5)


def test_a_forger_wins_with_l_over_p_exactly_over_all_keys_and_pads() -> None:
    """Wegman-Carter on p = 101 with L = 3 blocks, exhaustively: for the worst pair of messages and the best guess."""
    prime, message, best = 101, (3, 1, 4), 0
    for change in product(range(0, prime, 10), repeat=3):
        if not any(change):
            continue
        other = tuple((a + b) % prime for a, b in zip(message, change, strict=True))
        offsets = Counter(
            (polynomial(other, key, prime) - polynomial(message, key, prime)) % prime for key in range(prime)
        )
        best = max(best, *offsets.values())  # the pad hides the tag: the forger can only guess the offset
    assert best == 3


Link.TestCase.settings = settings(max_examples=150, stateful_step_count=60)
TestLink = Link.TestCase
