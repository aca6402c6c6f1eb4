"""The classical network between processors and replicas where it is unreliable: loss, partitions, retransmission."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ceas_ray.kernel.actor import Actor, WrappedActor
from ceas_ray.kernel.envelope import Effect, Envelope, Send
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.consensus_payloads import Frame


class NetworkFault(Protocol):
    """Something that stops frames."""

    def stops(self, frame: Frame, at: int, attempt: int) -> bool:
        """Return whether the frame, sent at `at` (ps) for the `attempt`-th time, does not arrive."""


@dataclass(frozen=True)
class FrameLoss:
    """Loses every transmission of a frame with this probability, independently."""

    probability: float
    streams: Streams

    def stops(self, frame: Frame, at: int, attempt: int) -> bool:
        """See `NetworkFault`."""
        name = f"{frame.sender}>{frame.receiver}"
        draw = self.streams.generator("network", name, f"loss {frame.counter}", attempt)
        return bool(draw.random() < self.probability)


@dataclass(frozen=True)
class NetworkPartition:
    """Lets nothing pass between these replicas and the rest of the world, from `begins` until it heals (ps)."""

    replicas: frozenset[str]
    begins: int
    heals: int

    def stops(self, frame: Frame, at: int, attempt: int) -> bool:
        """See `NetworkFault`."""
        return self.begins <= at < self.heals and (frame.sender in self.replicas) != (frame.receiver in self.replicas)


class OnUnreliableNetwork(WrappedActor):
    """Wraps an actor, so that the frames that leave it meet the faults of the network.

    A lost frame is sent again, byte for byte, every `interval` ps until one copy arrives; after `retransmissions`
    copies it is given up. Acknowledgements are not simulated: they need no tag (to forge one is to drop a frame, which
    the network can do anyway), and copies after the first are refused by their counter.
    """

    def __init__(self, actor: Actor, faults: Sequence[NetworkFault], interval: int, retransmissions: int) -> None:
        super().__init__(actor)
        self._faults = tuple(faults)
        self._interval, self._retransmissions = interval, retransmissions

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        effects: list[Effect] = []
        for effect in self.actor.handle(envelope):
            if isinstance(effect, Send) and isinstance(effect.payload, Frame):
                late = self._delay(effect.payload, envelope.deliver_at)
                if late is not None:
                    effects.append(Send(effect.deliver_at + late, effect.receiver, effect.payload))
            else:
                effects.append(effect)
        return effects

    def _delay(self, frame: Frame, now: int) -> int | None:
        for attempt in range(1 + self._retransmissions):
            late = attempt * self._interval
            if not any(fault.stops(frame, now + late, attempt) for fault in self._faults):
                return late
        return None
