"""A processor that tells half of the committee something else."""

from __future__ import annotations

from collections.abc import Sequence

from ceas_ray.kernel.actor import Actor, WrappedActor
from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.envelope import Effect, Envelope, Send
from ceas_ray.messages.frames import Channel, FrameKind, decode_foreign
from ceas_ray.messages.payloads import Frame


class EquivocatingProcessor(WrappedActor):
    """Wraps a processor: replicas of odd index get the opposite update, rightly tagged."""

    def __init__(self, processor: Actor, channels: Sequence[Channel]) -> None:
        """channels: the processor's own, one per replica."""
        super().__init__(processor)
        self._channels = {channel.peer: channel for channel in channels}

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        return [
            Send(effect.deliver_at, effect.receiver, self._other(effect.payload))
            if isinstance(effect, Send) and isinstance(effect.payload, Frame)
            else effect
            for effect in self.actor.handle(envelope)
        ]

    def _other(self, frame: Frame) -> Frame:
        if frame.kind != FrameKind.UPDATE or int(frame.receiver.rpartition("/")[2]) % 2 == 0:
            return frame
        row, shots, samples = decode_foreign(frame.body)
        return self._channels[frame.receiver].forge(frame, body=encode((-row, shots, samples + 1)))
