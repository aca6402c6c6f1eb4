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
from ceas_ray.messages import authentication
from ceas_ray.messages.authentication import TAG_BITS, KeyPool, polynomial
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import Channel, FrameKind
from ceas_ray.quantum.bell_pairs import key_rate
from tests.messages.pools import but_for_failures

KINDS = st.sampled_from([FrameKind.VOTE1, FrameKind.ECHO, FrameKind.FETCH, FrameKind.VIEW_CHANGE])


class Link(RuleBasedStateMachine):
    """Frames may be delivered, lost, delayed, replayed and forged; either end may be restored from its disk."""

    def __init__(self) -> None:
        super().__init__()
        ends = ("replica/0", "replica/1")
        self.sender, self.receiver = (
            Channel(name, peer, chain=b"chain", streams=Streams(1), fresh_hash_keys=True)
            for name, peer in (ends, ends[::-1])
        )
        self.round = 0
        self.frames: list[Frame] = []
        self.accepted: list[Frame] = []
        self.distilled = 0

    @rule(tags=st.integers(0, 20))
    def refill(self, tags: int) -> None:
        for end in (self.sender, self.receiver):
            end.add_key_bits(TAG_BITS * tags, TAG_BITS * tags)
        self.distilled += TAG_BITS * tags

    @rule(kind=KINDS, body=st.binary(max_size=20))
    def send(self, kind: FrameKind, body: bytes) -> None:
        pool = self.sender.outgoing
        stored = pool.stored
        frame = self.sender.seal(kind, round_index=self.round, view=0, now=len(self.frames), body=body)
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

    @rule(counter=st.integers(0, 60), tag=st.integers(0, 2**61 - 2), times=st.integers(1, 18))
    def forge(self, counter: int, tag: int, times: int) -> None:
        forged = Frame(
            kind=int(FrameKind.VOTE1),
            chain=b"chain",
            round_index=self.round,
            view=0,
            sender="replica/0",
            receiver="replica/1",
            counter=counter,
            sent_at=0,
            body=b"x",
            tag=tag,
        )
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
        frame = self.sender.seal(
            FrameKind.VOTE1, round_index=self.round, view=0, now=len(self.frames), body=b"after the refill"
        )
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
        pool = self.receiver.incoming.state
        assert all(slot >= pool.floor for slot in pool.used)


def ends(tags: int, fresh: bool = True) -> tuple[Channel, Channel]:
    """Both ends of a link, with keys for so many tags in each direction."""
    names = ("replica/0", "replica/1")
    sender, receiver = (
        Channel(name, peer, chain=b"chain", streams=Streams(1), fresh_hash_keys=fresh)
        for name, peer in (names, names[::-1])
    )
    for end in (sender, receiver):
        end.add_key_bits(TAG_BITS * tags, TAG_BITS * tags)
    return sender, receiver


def junk(counter: int, round_index: int = 0, tag: int = 7) -> Frame:
    """What anybody can send in the name of replica 0."""
    return Frame(
        kind=int(FrameKind.ECHO),
        chain=b"chain",
        round_index=round_index,
        view=0,
        sender="replica/0",
        receiver="replica/1",
        counter=counter,
        sent_at=0,
        body=b"junk",
        tag=tag,
    )


def passed(sender: Channel, receiver: Channel, count: int, round_index: int) -> list[bytes | None]:
    """What the receiver makes of so many honest frames."""
    frames = [
        sender.seal(FrameKind.VOTE1, round_index=round_index, view=0, now=k, body=b"vote %d" % k) for k in range(count)
    ]
    assert all(frames)
    return [receiver.open(frame) for frame in frames if frame is not None]


def votes(count: int) -> list[bytes]:
    return [b"vote %d" % k for k in range(count)]


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("slots", [range(100), range(1999, 2000), range(0, 2100, 7)])
def test_junk_without_a_key_costs_an_honest_link_nothing(fresh: bool, slots: range) -> None:
    """Sixteen pieces of junk once erased a slot, and at the last stored one everything, two rounds later."""
    attacked, calm = ends(2000, fresh), ends(2000, fresh)
    for round_index in range(5):
        for counter in slots:
            for tag in range(16):
                assert attacked[1].open(junk(counter, round_index, tag)) is None
        for link in (attacked, calm):
            assert passed(*link, 20, round_index) == votes(20)
            link[1].incoming.end_round()
        assert but_for_failures(attacked[1].incoming) == but_for_failures(calm[1].incoming)


def test_a_hundred_frames_lost_in_a_row_silence_nothing_and_are_erased_one_round_later() -> None:
    sender, receiver = ends(1000)
    late = [sender.seal(FrameKind.VOTE1, round_index=0, view=0, now=k, body=b"late") for k in range(100)]
    assert passed(sender, receiver, 10, 0) == votes(10)
    assert [receiver.open(frame) for frame in late[:10] if frame is not None] == [b"late"] * 10
    receiver.incoming.end_round()
    assert [receiver.open(frame) for frame in late[10:20] if frame is not None] == [b"late"] * 10
    assert receiver.incoming.erased == 0
    receiver.incoming.end_round()
    assert receiver.incoming.erased == 80 * TAG_BITS
    assert [receiver.open(frame) for frame in late[20:] if frame is not None] == [None] * 80
    assert passed(sender, receiver, 10, 1) == votes(10)


def test_a_frame_may_be_verified_again_until_it_is_accepted_and_costs_its_key_only_then() -> None:
    """A receiver that cannot keep what a frame says leaves it; the same frame, sent again, still counts."""
    sender, receiver = ends(100)
    frame = sender.seal(FrameKind.VOTE1, round_index=0, view=0, now=0, body=b"vote")
    assert frame is not None
    before = receiver.snapshot()
    assert [receiver.verify(frame), receiver.verify(frame)] == [b"vote", b"vote"]
    assert receiver.snapshot() == before
    receiver.accept(frame)
    assert receiver.verify(frame) is receiver.open(frame) is None
    assert receiver.incoming.spent == sender.outgoing.spent == 2 * TAG_BITS


@pytest.mark.parametrize(("fresh", "alarms"), [(True, [0, 1, 0, 1]), (False, [0, 1, 1, 1])])
def test_so_many_failures_under_a_hash_key_raise_an_alarm_and_change_nothing_else(
    monkeypatch: pytest.MonkeyPatch, fresh: bool, alarms: list[int]
) -> None:
    """A hash key of one round is alarmed for alone; a kept one counts over all rounds."""
    monkeypatch.setattr(authentication, "FAILURES_PER_ALARM", 100)
    sender, receiver = ends(500, fresh)
    found = []
    for attempts, round_index in ((99, 0), (1, 0), (60 if fresh else 100, 1), (40 if fresh else 100, 1)):
        for tag in range(attempts):
            assert receiver.open(junk(400, round_index, tag)) is None
        found.append(len(receiver.take_alarms()))
        receiver.restore(decode(encode(receiver.snapshot())))
    assert found == alarms
    assert passed(sender, receiver, 5, 1) == votes(5)


def test_a_sender_whose_counter_is_on_disk_before_a_frame_leaves_never_tags_a_slot_twice() -> None:
    sender, receiver = ends(100)
    disk = encode(sender.snapshot())
    frames = []
    for k in range(10):
        frame = sender.seal(FrameKind.VOTE1, round_index=0, view=0, now=k, body=b"said")
        disk = encode(sender.snapshot())
        if k % 3:
            frames.append(frame)  # of the others the counter is on disk, and the crash comes before they leave
        sender = Channel("replica/0", "replica/1", chain=b"chain", streams=Streams(1), fresh_hash_keys=True)
        sender.restore(decode(disk))
    assert len({frame.counter for frame in frames if frame is not None}) == len(frames)
    assert [receiver.open(frame) for frame in frames if frame is not None] == [b"said"] * len(frames)


class FailureErases(KeyPool):
    """A planted bug: the sixteenth failure at a slot erases it."""

    def verifies(self, content: bytes, tag: int, slot: int, round_index: int) -> bool:
        failed = self.__dict__.setdefault("_failed_at", Counter())
        if super().verifies(content, tag, slot, round_index):
            return True
        failed[slot] += 1
        if failed[slot] == 16:
            self.state.used.add(slot)
        return False


def test_a_failed_attempt_that_erases_is_caught() -> None:
    sender, receiver = ends(100)
    receiver.incoming.__class__ = FailureErases
    for _ in range(16):
        receiver.open(junk(0))
    assert passed(sender, receiver, 2, 0) != votes(2)


def test_a_fidelity_of_83_yields_no_key_and_one_of_84_about_a_fiftieth_of_a_bit_per_pair() -> None:
    assert key_rate(0.83) == 0
    assert key_rate(0.84) == pytest.approx(0.0205, abs=1e-4)


def link(tags: int) -> Channel:
    channel = Channel("replica/0", "replica/1", chain=b"chain", streams=Streams(1), fresh_hash_keys=True)
    channel.add_key_bits(TAG_BITS * tags, TAG_BITS * tags)
    return channel


VIEW = (
    FrameKind.VIEW_CHANGE, FrameKind.PROOF, FrameKind.SUGGEST, FrameKind.PROPOSAL, FrameKind.VOTE1, FrameKind.VOTE2,
    FrameKind.VOTE3, FrameKind.VOTE4, FrameKind.DECIDE,
)  # fmt: skip


def test_as_keys_run_out_kinds_fall_silent_in_the_order_of_their_priority() -> None:
    """A tag and the round's hash key are 2; an echo leaves a view's 9, what serves catching up one more."""
    between_replicas = set(FrameKind) - {FrameKind.UPDATE, FrameKind.MODEL, FrameKind.MODEL_WANTED}
    for tags in range(16):
        sealed = {
            kind
            for kind in between_replicas
            if link(tags).seal(kind, round_index=0, view=0, now=0, body=b"") is not None
        }
        expected = set(VIEW) if tags >= 2 else set()
        expected |= {FrameKind.ECHO} if tags >= 11 else set()
        assert sealed == (between_replicas if tags >= 12 else expected)


@pytest.mark.parametrize("greedy", [FrameKind.ECHO, FrameKind.FETCH, FrameKind.CONTENT, FrameKind.CATCH_UP])
@pytest.mark.parametrize("tags", [11, 12, 20, 33])
def test_whatever_asks_for_more_leaves_keys_for_a_whole_view(greedy: FrameKind, tags: int) -> None:
    channel = link(tags)
    for _ in range(2 * tags):
        channel.seal(greedy, round_index=0, view=0, now=0, body=b"")
    if greedy != FrameKind.ECHO:
        assert channel.seal(FrameKind.ECHO, round_index=0, view=0, now=0, body=b"") is not None
    assert all(channel.seal(kind, round_index=0, view=1, now=0, body=b"") is not None for kind in VIEW)


def test_the_hash_key_of_each_round_is_paid_once_in_whatever_order_rounds_come() -> None:
    """A replica that missed a round asks about it in the next one: both rounds' hash keys are used, both are paid."""
    sender, receiver = (
        Channel(*ends, chain=b"chain", streams=Streams(1), fresh_hash_keys=True) for ends in (("a", "b"), ("b", "a"))
    )
    for end in (sender, receiver):
        end.add_key_bits(10**4, 10**4)
    paid = []
    for round_index in (5, 4, 5, 4, 6, 5, 4):
        frame = sender.seal(FrameKind.FETCH, round_index=round_index, view=0, now=0, body=b"")
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


@pytest.mark.parametrize(("fresh", "kept"), [(False, 1), (True, 2)])
def test_a_request_for_a_model_leaves_the_key_of_the_next_update(fresh: bool, kept: int) -> None:
    for tags in range(6):
        channel = Channel("processor/0", "replica/1", chain=b"chain", streams=Streams(1), fresh_hash_keys=fresh)
        channel.add_key_bits(TAG_BITS * tags, 0)
        asked = channel.seal(FrameKind.MODEL_WANTED, round_index=0, view=0, now=0, body=b"")
        assert (asked is not None) == (tags >= 2 * kept)
        if asked is not None:
            assert channel.seal(FrameKind.UPDATE, round_index=1, view=0, now=0, body=b"") is not None
