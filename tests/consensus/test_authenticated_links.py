"""A replica's authenticated links."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ceas_ray.kernel.envelope import Effect, Send
from ceas_ray.messages.authentication import TAG_BITS
from ceas_ray.messages.frames import FrameKind
from tests.consensus.parts import DELTA, LATENCY, PEERS, PLENTY, channel_of, frames_in, links_of_replica_0, some_bits

OTHERS = ["replica/1", "replica/2", "replica/3"]


def test_a_broadcast_reaches_every_other_replica_with_a_right_tag_after_its_latency() -> None:
    effects = links_of_replica_0().broadcast(FrameKind.VOTE1, view=2, body=b"vote", now=50)
    assert [effect.receiver for effect in effects if isinstance(effect, Send)] == OTHERS
    assert {effect.deliver_at for effect in effects if isinstance(effect, Send)} == {50 + LATENCY}
    for frame in frames_in(effects):
        assert channel_of(frame.receiver, "replica/0").verify(frame) == b"vote"
        assert (frame.round_index, frame.view, frame.sent_at) == (0, 2, 50)


def test_without_a_key_nothing_is_said_rather_than_said_without_a_tag() -> None:
    assert links_of_replica_0(bits=0).broadcast(FrameKind.VOTE1, view=0, body=b"vote", now=0) == []


def test_a_repeated_request_for_a_view_is_the_same_frame_and_costs_no_key() -> None:
    links = links_of_replica_0()
    said = [frames_in(links.broadcast(FrameKind.VIEW_CHANGE, view=1, body=b"", now=now)) for now in (0, 90)]
    assert said[0] == said[1]
    spent = links.key_bits_spent()
    assert spent == dict.fromkeys(PEERS[:3], 0) | dict.fromkeys(OTHERS, 2 * TAG_BITS)  # the tag, and the hash key
    (forgotten,) = [f for f in frames_in(links.broadcast(FrameKind.VIEW_CHANGE, view=2, body=b"", now=95)) if
                    f.receiver == "replica/1"]  # fmt: skip
    assert forgotten.view == 2
    links.forget_view_change("replica/1")
    again = frames_in(links.broadcast(FrameKind.VIEW_CHANGE, view=2, body=b"", now=99))
    assert [frame.sent_at for frame in again] == [99, 95, 95]


def test_a_question_is_repeated_as_it_was_and_a_new_round_has_a_new_one() -> None:
    links = links_of_replica_0()
    asked = frames_in(links.broadcast(FrameKind.CATCH_UP, view=0, body=b"", now=0))
    assert frames_in(links.ask(40, anew=False)) == asked
    assert {frame.sent_at for frame in frames_in(links.ask(45, anew=True))} == {45}
    links.enter_round(1)
    assert {frame.sent_at for frame in frames_in(links.ask(50, anew=False))} == {50}


def test_only_a_frame_with_a_right_tag_of_a_peer_is_opened_and_its_slot_serves_once() -> None:
    links, peer = links_of_replica_0(), channel_of("replica/1", "replica/0")
    frame = peer.seal(FrameKind.VOTE1, round_index=0, view=0, now=3, body=b"vote")
    assert frame is not None
    assert links.verify(replace(frame, body=b"other")) is None
    assert links.verify(replace(frame, sender="processor/9")) is None
    assert links.verify(frame) == b"vote"
    links.accept(frame)
    assert links.verify(frame) is None


def test_distilled_bits_are_stored_for_each_way_and_reported_by_party() -> None:
    links = links_of_replica_0(bits=0)
    assert links.keyed_peers() == 0
    links.store_key_bits(some_bits())
    left = links.key_bits_left()
    assert left.shape == (2, 7)
    for bits, way in zip((2 * PLENTY, PLENTY), left.tolist(), strict=True):
        assert way == [bits] * 3 + [0] + [bits] * 3  # nothing with itself
    assert links.keyed_peers() == 3


def test_a_question_that_was_accepted_counts_when_it_comes_again_though_at_most_once_in_a_delta() -> None:
    links, peer = links_of_replica_0(), channel_of("replica/1", "replica/0")
    asked, other = (peer.seal(FrameKind.CATCH_UP, round_index=0, view=0, now=at, body=b"") for at in (3, 4))
    assert asked is not None and other is not None
    assert not links.is_asked_again(asked, 5)
    links.accept(asked)
    assert [links.is_asked_again(asked, now) for now in (6, 7, 5 + DELTA, 6 + DELTA)] == [True, False, False, True]
    assert not links.is_asked_again(replace(asked, tag=asked.tag ^ 1), 9 * DELTA)
    links.accept(other)
    assert not links.is_asked_again(asked, 9 * DELTA)
    assert links.is_asked_again(other, 9 * DELTA)


def test_the_last_question_is_the_one_that_was_asked_last_not_the_one_that_came_last() -> None:
    links, peer = links_of_replica_0(), channel_of("replica/1", "replica/0")
    earlier, later = (peer.seal(FrameKind.CATCH_UP, round_index=0, view=0, now=at, body=b"") for at in (3, 4))
    assert earlier is not None and later is not None
    links.accept(later)
    links.accept(earlier)
    assert not links.is_asked_again(earlier, 9 * DELTA)
    assert links.is_asked_again(later, 9 * DELTA)


@pytest.mark.parametrize("kind", [FrameKind.UPDATE, FrameKind.CATCH_UP])
def test_what_a_processor_says_again_is_no_question(kind: FrameKind) -> None:
    links = links_of_replica_0()
    frame = channel_of("processor/1", "replica/0").seal(kind, round_index=0, view=0, now=3, body=b"")
    assert frame is not None
    links.accept(frame)
    assert not links.is_asked_again(frame, 9)


def test_an_answer_that_is_given_again_is_the_same_frames_and_costs_keys_only_for_what_is_new() -> None:
    links = links_of_replica_0()

    def answer(now: int, body: bytes, again: bool) -> list[int]:
        effects = list[Effect]()
        with links.answering("replica/1", effects, again=again):
            effects += links.send(FrameKind.ECHO, view=0, receiver="replica/1", body=body, now=now)
            effects += links.send(FrameKind.DECIDE, view=1, receiver="replica/1", body=b"value", now=now)
        return [frame.sent_at for frame in frames_in(effects)]

    assert answer(1, b"items", again=False) == [1, 1]
    spent = links.key_bits_spent()["replica/1"]
    assert answer(2, b"items", again=True) == [1, 1]
    assert links.key_bits_spent()["replica/1"] == spent
    assert answer(3, b"more items", again=True) == [3, 1]
    assert answer(4, b"more items", again=True) == [3, 1]
    assert links.key_bits_spent()["replica/1"] == spent + TAG_BITS
    assert answer(5, b"more items", again=False) == [5, 5]
