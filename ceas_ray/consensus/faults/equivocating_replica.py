"""A replica that tells half of the others something else."""

from __future__ import annotations

from collections.abc import Sequence

from ceas_ray.consensus.faults.distorting_replica import DistortingReplica
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.envelope import Send
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import FrameKind, digest_of


class EquivocatingReplica(DistortingReplica):
    """Sends receivers of odd index votes, proposals, decisions, echoes and models of another value, rightly tagged."""

    def distort(self, send: Send, frame: Frame) -> Sequence[Send]:
        """See `DistortingReplica`."""
        if int(frame.receiver.rpartition("/")[2]) % 2 == 0:
            return [send]
        content = decode(frame.body)
        other: object
        match FrameKind(frame.kind):
            case FrameKind.VOTE1 | FrameKind.VOTE2 | FrameKind.VOTE3 | FrameKind.VOTE4 | FrameKind.DECIDE:
                other = digest_of(b"another value than" + content)
            case FrameKind.PROPOSAL:
                other = content + b"\x00"
            case FrameKind.ECHO:
                other = tuple((kind, k, digest and digest_of(b"another than" + digest)) for kind, k, digest in content)
            case FrameKind.MODEL:
                other = -content
            case _:
                return [send]
        return [self.forged(send, frame, encode(other))]
