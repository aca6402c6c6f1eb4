"""What a Byzantine processor announces about tested pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ceas_ray.attacks.attack import Announcements, Attack
from ceas_ray.kernel.actor import Actor, WrappedActor
from ceas_ray.kernel.envelope import Effect, Envelope, Send
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.payloads import TestOutcomes


class FalseAnnouncements(WrappedActor):
    """Wraps the link manager of a Byzantine processor: the hub counts the errors that its announcements lead to."""

    def __init__(self, link: Actor, attack: Attack, revealed: bool, streams: Streams) -> None:
        """revealed: processors announce after they saw the hub's outcomes, else before (see `Attack`)."""
        super().__init__(link)
        self._attack, self._revealed, self._streams = attack, revealed, streams

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        return [self._falsified(effect) for effect in self.actor.handle(envelope)]

    def _falsified(self, effect: Effect) -> Effect:
        if not (isinstance(effect, Send) and isinstance(effect.payload, TestOutcomes)):
            return effect
        true = effect.payload
        generator = self._streams.generator(self.kind, self.name, "announcements", true.round_index)
        told = self._attack.announcements(Announcements(true.announced, true.errors), self._revealed, generator)
        return replace(effect, payload=replace(true, announced=told.announced, errors=told.errors))
