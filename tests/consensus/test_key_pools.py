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
    assert key_rate(0.84) == pytest.approx(0.0205, abs=1e-4)


def link(tags: int) -> Channel:
    channel = Channel("replica/0", "replica/1", b"chain", Streams(1), True)
    channel.add_key_bits(2 * TAG_BITS * tags)
    return channel


VIEW = (
    FrameKind.VIEW_CHANGE, FrameKind.PROOF, FrameKind.SUGGEST, FrameKind.PROPOSAL, FrameKind.VOTE1, FrameKind.VOTE2,
    FrameKind.VOTE3, FrameKind.VOTE4, FrameKind.DECIDE,
)  # fmt: skip


def test_as_keys_run_out_kinds_fall_silent_in_the_order_of_their_priority() -> None:
    """A tag and the round's hash key are 2; an echo leaves a view's 9, what serves catching up one more."""
    between_replicas = set(FrameKind) - {FrameKind.UPDATE, FrameKind.MODEL}
    for tags in range(16):
        sealed = {kind for kind in between_replicas if link(tags).seal(kind, 0, 0, 0, b"") is not None}
        expected = set(VIEW) if tags >= 2 else set()
        expected |= {FrameKind.ECHO} if tags >= 11 else set()
        assert sealed == (between_replicas if tags >= 12 else expected)


@pytest.mark.parametrize("greedy", [FrameKind.ECHO, FrameKind.FETCH, FrameKind.CONTENT, FrameKind.CATCH_UP])
@pytest.mark.parametrize("tags", [11, 12, 20, 33])
def test_whatever_asks_for_more_leaves_keys_for_a_whole_view(greedy: FrameKind, tags: int) -> None:
    channel = link(tags)
    for _ in range(2 * tags):
        channel.seal(greedy, 0, 0, 0, b"")
    if greedy != FrameKind.ECHO:
        assert channel.seal(FrameKind.ECHO, 0, 0, 0, b"") is not None
    assert all(channel.seal(kind, 0, 1, 0, b"") is not None for kind in VIEW)


def test_the_hash_key_of_each_round_is_paid_once_in_whatever_order_rounds_come() -> None:
    """A replica that missed a round asks about it in the next one: both rounds' hash keys are used, both are paid."""
    sender, receiver = (Channel(*ends, b"chain", Streams(1), True) for ends in (("a", "b"), ("b", "a")))
    for end in (sender, receiver):
        end.add_key_bits(10**4)
    paid = []
    for round_index in (5, 4, 5, 4, 6, 5, 4):
        frame = sender.seal(FrameKind.FETCH, round_index, 0, 0, b"")
        assert frame is not None
        assert receiver.open(frame) == b""
        assert sender.outgoing.spent == receiver.incoming.spent
        paid.append(sender.outgoing.spent // TAG_BITS)
        for end in (sender, receiver):
            end.restore(decode(encode(end.snapshot())))
    assert paid == [2, 4, 5, 6, 8, 9, 10]


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
