"""What another replica says in one frame."""

from __future__ import annotations

import pytest

from ceas_ray.consensus.replica_message import ReplicaMessage
from ceas_ray.consensus.safety_rule import Vote, VoteHistory
from ceas_ray.kernel.codec import encode
from ceas_ray.messages.frames import FrameKind
from tests.consensus.parts import channel_of


def message(kind: FrameKind, body: bytes) -> ReplicaMessage:
    frame = channel_of("replica/1", "replica/0").seal(kind, round_index=3, view=2, now=0, body=body)
    assert frame is not None
    return ReplicaMessage.of(frame, 1, body)


def test_a_message_says_who_said_what_in_which_round_and_view() -> None:
    assert message(FrameKind.VOTE1, encode(b"digest")) == (1, 3, FrameKind.VOTE1, 2, b"digest")


@pytest.mark.parametrize("kind", [FrameKind.VOTE1, FrameKind.VOTE4, FrameKind.DECIDE, FrameKind.PROPOSAL])
def test_a_vote_that_names_no_digest_is_malformed(kind: FrameKind) -> None:
    assert message(kind, encode(b"digest")).voting_content() == b"digest"
    with pytest.raises(ValueError, match="must name a digest"):
        message(kind, encode(7)).voting_content()


@pytest.mark.parametrize("kind", [FrameKind.SUGGEST, FrameKind.PROOF])
def test_evidence_is_read_as_a_history_of_votes(kind: FrameKind) -> None:
    history = VoteHistory(Vote(1, b"a"), Vote(0, b"b"), Vote(-1, b""))
    assert message(kind, encode(history)).voting_content() == history
    with pytest.raises(ValueError, match=r"."):
        message(kind, encode(b"digest")).voting_content()


def test_a_body_that_is_no_canonical_encoding_is_malformed() -> None:
    with pytest.raises(ValueError, match=r"."):
        message(FrameKind.VOTE1, b"\xc1")
