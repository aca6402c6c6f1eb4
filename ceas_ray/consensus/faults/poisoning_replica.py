"""A leader that proposes a model of its own."""

from __future__ import annotations

from collections.abc import Sequence

from ceas_ray.consensus.faults.distorting_replica import DistortingReplica
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.envelope import Send
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import FrameKind, digest_of

_VOTES = (FrameKind.VOTE1, FrameKind.VOTE2, FrameKind.VOTE3, FrameKind.VOTE4)


class PoisoningReplica(DistortingReplica):
    """Proposes values that drop the first entry and name another model than the one that follows, and votes for
    them.
    """

    def distort(self, send: Send, frame: Frame) -> Sequence[Send]:
        """See `DistortingReplica`."""
        content = decode(frame.body)
        if frame.kind == FrameKind.PROPOSAL:
            return [self.forged(send, frame, encode(_poisoned(content)))]
        leads = (frame.round_index + frame.view) % self.actor.committee.replicas == self.actor.index
        body = self.actor.body_of(content) if leads and frame.kind in _VOTES else None
        if body is None:
            return [send]
        return [self.forged(send, frame, encode(digest_of(_poisoned(body))))]


def _poisoned(body: bytes) -> bytes:
    parts = list(decode(body))
    if len(parts) > 3:
        parts[3], parts[4] = parts[3][1:], parts[4][1:]
    parts[-1] = digest_of(b"poison" + parts[-1])
    return encode(tuple(parts))
