"""A replica that withholds its votes."""

from __future__ import annotations

from collections.abc import Sequence

from ceas_ray.consensus.faults.distorting_replica import DistortingReplica
from ceas_ray.kernel.envelope import Send
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import FrameKind

_WITHHELD = (FrameKind.VOTE1, FrameKind.VOTE2, FrameKind.VOTE3, FrameKind.VOTE4, FrameKind.DECIDE)


class WithholdingReplica(DistortingReplica):
    """It proposes, proves and suggests like an honest one, but nobody ever sees a vote or a decision of it."""

    def distort(self, send: Send, frame: Frame) -> Sequence[Send]:
        """See `DistortingReplica`."""
        return [] if frame.kind in _WITHHELD else [send]
