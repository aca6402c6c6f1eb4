"""A replica that lies about what it voted for, received and holds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ceas_ray.consensus.echoes import accusation_item
from ceas_ray.consensus.faults.distorting_replica import DistortingReplica
from ceas_ray.consensus.safety_rule import Vote, VoteHistory
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.envelope import Send
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import FrameKind, digest_of


class LyingReplica(DistortingReplica):
    """Lies in all that it says: its proofs and suggests show random votes, its votes name random values of those it
    heard of, its echo accuses everybody of equivocation, and what others fetch from it is garbage.
    """

    def distort(self, send: Send, frame: Frame) -> Sequence[Send]:
        """See `DistortingReplica`."""
        draw, content = self.draw(frame), decode(frame.body)
        match FrameKind(frame.kind):
            case FrameKind.PROOF | FrameKind.SUGGEST:
                values = [vote[1] for vote in content] + [digest_of(b"a lie")]
                lie: object = VoteHistory(*(_vote(draw, values, frame.view) for _ in range(3)))
            case FrameKind.VOTE1 | FrameKind.VOTE2 | FrameKind.VOTE3 | FrameKind.VOTE4 | FrameKind.DECIDE:
                lie = content if draw.random() < 0.5 else digest_of(b"a lie")
            case FrameKind.ECHO:
                lie = (*content, *map(accusation_item, range(self.actor.committee.processors)))
            case FrameKind.CONTENT:
                lie = tuple(draw.bytes(len(data)) for data in content)
            case FrameKind.MODEL:
                lie = draw.normal(size=len(content))
            case _:
                return [send]
        return [self.forged(send, frame, encode(lie))]


def _vote(draw: np.random.Generator, values: list[bytes], view: int) -> Vote:
    return Vote(int(draw.integers(-1, view + 2)), values[int(draw.integers(len(values)))])
