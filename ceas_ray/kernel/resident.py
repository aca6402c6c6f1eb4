"""An actor on its host, with the kernel's books on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.digest import EMPTY_DIGEST
from ceas_ray.kernel.envelope import Effect, Envelope, Mark, Send, Work


@dataclass
class Resident:
    """An actor with the kernel's books on it."""

    actor: Actor
    serial: int = 0
    digest: bytes = EMPTY_DIGEST
    promised: int = 0
    floors: dict[int, int] = field(default_factory=dict)
    """For an own envelope (by serial) that was caused from outside: nothing of its consequences leaves before this."""

    def check_leaving(self, envelope: Envelope, effects: Sequence[Effect]) -> None:
        """Assert what the actor promised: nothing leaves too early. Own envelopes inherit the floor of their cause."""
        actor, now = self.actor, envelope.deliver_at
        if envelope.sender == envelope.receiver:
            inherited = self.floors.pop(envelope.serial, 0)
            floor = max(now + actor.own_lookahead, inherited)
        else:
            inherited = floor = now + actor.lookahead
        serial = self.serial
        for effect in effects:
            if isinstance(effect, Send) and effect.receiver != actor.name:
                assert effect.deliver_at >= floor, f"{actor.name}: an envelope left before its lookahead"
                assert effect.deliver_at >= self.promised, f"{actor.name}: a promise was broken"
                serial += 1
            elif isinstance(effect, Send | Work):
                at = effect.deliver_at if isinstance(effect, Send) else effect.ready_at
                assert at > now, f"{actor.name}: an effect must come after its cause"
                self.floors[serial] = inherited
                serial += 1
            elif isinstance(effect, Mark):
                assert effect.at >= floor, f"{actor.name}: a mark before its lookahead"
