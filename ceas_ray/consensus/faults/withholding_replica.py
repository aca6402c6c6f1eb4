"""A replica that withholds its votes."""

from __future__ import annotations

from collections.abc import Sequence

from ceas_ray.consensus.faults.distorting_replica import DistortingReplica
from ceas_ray.kernel.envelope import Send
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import FrameKind

_WITHHELD = (FrameKind.VOTE1, FrameKind.VOTE2, FrameKind.VOTE3, FrameKind.VOTE4, FrameKind.DECIDE)


class WithholdingReplica(DistortingReplica):
    """Proposes, proves and suggests like an honest one, but never shows anybody a vote or a decision."""

    def distort(self, send: Send, frame: Frame) -> Sequence[Send]:
        """See `DistortingReplica`."""
        return [] if frame.kind in _WITHHELD else [send]
