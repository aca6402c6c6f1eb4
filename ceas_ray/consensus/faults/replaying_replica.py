"""A replica that repeats old frames, its own and those of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ceas_ray.consensus.faults.distorting_replica import DistortingReplica
from ceas_ray.kernel.envelope import Effect, Envelope, Send
from ceas_ray.messages.consensus_payloads import Frame

_REMEMBERED = 32


@dataclass
class ReplayState:
    """seen: the last frames that it sent or received."""

    seen: list[Frame] = field(default_factory=list)


class ReplayingReplica(DistortingReplica):
    """Accompanies each frame to another replica with an older one: its own, to the same or to another receiver, or one
    that it received itself. It remembers the last frames, those of earlier rounds included.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.state = ReplayState()

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        if isinstance(envelope.payload, Frame):
            self._remember(envelope.payload)
        return super().handle(envelope)

    def _remember(self, frame: Frame) -> None:
        self.state.seen = [*self.state.seen[-_REMEMBERED + 1 :], frame]

    def distort(self, send: Send, frame: Frame) -> Sequence[Send]:
        """See `DistortingReplica`."""
        seen = self.state.seen
        replayed = [seen[int(self.draw(frame).integers(len(seen)))]] if seen else []
        self._remember(frame)
        if not frame.receiver.startswith("replica/"):
            return [send]
        return [send, *(Send(send.deliver_at, send.receiver, old) for old in replayed)]
