"""What another replica says in one frame."""

from __future__ import annotations

from typing import Any, NamedTuple

from ceas_ray.consensus.safety_rule import vote_history_of
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import FRAME_KINDS, FrameKind, decode_foreign

_DIGESTS = frozenset(
    {FrameKind.VOTE1, FrameKind.VOTE2, FrameKind.VOTE3, FrameKind.VOTE4, FrameKind.DECIDE, FrameKind.PROPOSAL}
)
VOTING_FRAMES = frozenset({*_DIGESTS, FrameKind.SUGGEST, FrameKind.PROOF, FrameKind.VIEW_CHANGE})
"""Frames that the voting of a round takes."""
VIEW_FRAMES = VOTING_FRAMES - {FrameKind.VIEW_CHANGE, FrameKind.DECIDE}
"""Frames that belong to one view."""
LAST_ROUND_FRAMES = frozenset({FrameKind.DECIDE, FrameKind.FETCH, FrameKind.CONTENT, FrameKind.CATCH_UP})
"""Frames of the round before that a replica still takes from another one."""


class ReplicaMessage(NamedTuple):
    """The decoded content of an authentic frame. sender: the number of the replica that sent it."""

    sender: int
    round_index: int
    kind: FrameKind
    view: int
    content: Any

    @classmethod
    def of(cls, frame: Frame, sender: int, body: bytes) -> ReplicaMessage:
        """Decode a frame's body. Raises ValueError if it is malformed."""
        return cls(sender, frame.round_index, FRAME_KINDS[frame.kind], frame.view, decode_foreign(body))

    def voting_content(self) -> Any:
        """Return the digest that a vote names, the body that a proposal carries, or a replica's votes, as the voting
        takes them. Raises ValueError if the content is of another type.
        """
        if self.kind in _DIGESTS and not isinstance(self.content, bytes):
            raise ValueError("a vote must name a digest, a proposal must carry its body")
        return vote_history_of(self.content) if self.kind in (FrameKind.SUGGEST, FrameKind.PROOF) else self.content
