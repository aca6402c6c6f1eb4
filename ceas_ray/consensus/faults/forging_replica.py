"""A replica that speaks in other replicas' names, without their keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ceas_ray.consensus.faults.distorting_replica import DistortingReplica
from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.envelope import Send
from ceas_ray.messages.authentication import PRIME
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import FrameKind, digest_of
from ceas_ray.messages.payloads import replica_name

_FORGED = (FrameKind.VOTE1, FrameKind.VOTE2, FrameKind.VOTE3, FrameKind.VOTE4, FrameKind.DECIDE)


class ForgingReplica(DistortingReplica):
    """Accompanies each vote with the same vote for another value in every other replica's name, with a random tag, in a
    slot that the receiver may not have seen yet.
    """

    def distort(self, send: Send, frame: Frame) -> Sequence[Send]:
        """See `DistortingReplica`."""
        if frame.kind not in _FORGED or not frame.receiver.startswith("replica/"):
            return [send]
        draw, body = self.draw(frame), encode(digest_of(b"a forged value"))
        names = [replica_name(j) for j in range(self.actor.committee.replicas)]
        forged = [
            replace(
                frame, sender=name, body=body, counter=frame.counter + int(draw.integers(3)),
                tag=int(draw.integers(PRIME)),
            )
            for name in names if name not in (self.name, frame.receiver)
        ]  # fmt: skip
        return [send, *(Send(send.deliver_at, send.receiver, fake) for fake in forged)]
