"""The base of faulty replicas: an inner replica that follows the protocol, and a change to what leaves it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from ceas_ray.consensus.replica import Replica
from ceas_ray.kernel.actor import WrappedActor
from ceas_ray.kernel.envelope import Effect, Envelope, Send
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.consensus_payloads import Frame


class DistortingReplica(WrappedActor):
    """Wraps a replica: every frame that it would send passes through `distort`, and everything else stays as it is."""

    actor: Replica

    def __init__(self, replica: Replica, streams: Streams) -> None:
        super().__init__(replica)
        self.streams = streams

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        effects: list[Effect] = []
        for effect in self.actor.handle(envelope):
            if isinstance(effect, Send) and isinstance(effect.payload, Frame):
                effects += self.distort(effect, effect.payload)
            else:
                effects.append(effect)
        return effects

    @abstractmethod
    def distort(self, send: Send, frame: Frame) -> Sequence[Send]:
        """Return what leaves instead of this frame."""

    def forged(self, send: Send, frame: Frame, body: bytes) -> Send:
        """Return the same frame with another body and a right tag, since a Byzantine replica has its keys."""
        forged = self.actor.channel(frame.receiver).forge(frame, body=body)
        return Send(send.deliver_at, send.receiver, forged)

    def draw(self, frame: Frame) -> np.random.Generator:
        """Return a generator for this frame alone."""
        return self.streams.generator("replica", self.name, f"fault {frame.receiver} {frame.counter}", 0)
