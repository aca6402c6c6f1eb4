"""The protocol of simulated actors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from ceas_ray.kernel.envelope import Answer, Effect, Envelope, changed, effects_of
from ceas_ray.kernel.state import Stateful


class Actor(Stateful, ABC):
    """A plain object that answers envelopes. Time comes from the envelope, randomness from a named stream.

    name: `kind` or `kind/identity`; the part before the first slash is the actor's kind.
    lookahead: whatever the actor's state, an envelope that it receives from another actor at time t causes no
        envelope *to another actor* that is delivered before t + lookahead, be it at once, by a timer or by work.
    own_lookahead: the same, after an envelope of its own (a timer, or the result of its work). Both in picoseconds,
        at least 1.
    """

    name: str
    lookahead: int
    own_lookahead: int

    @property
    def kind(self) -> str:
        """Return what sort of actor this is: processor, link, replica, ..."""
        return self.name.partition("/")[0]

    @abstractmethod
    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """Answer one envelope; `envelope.deliver_at` is now. Every answer is delivered at least 1 ps later."""

    def begin(self, envelope: Envelope) -> Answer:
        """Answer one envelope as `handle` does, or say what call the answer lacks: the host asks this.

        One that may have such a call is a `SharingActor`.
        """
        return self.handle(envelope)

    def promise(self, now: int) -> int:
        """Return an unconditional promise: whatever arrives, nothing to another actor is delivered before this time."""
        return 0

    def accounts(self) -> dict[str, int]:
        """Return the totals that the driver reads when a round ends; nothing in the simulation sees them."""
        return {}


class SharingActor(Actor):
    """An actor whose answers may lack a call that the host makes once for several actors: it says so in `begin`."""

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """Answer one envelope, with the call that the answer lacks made for it alone."""
        return effects_of(self.begin(envelope))

    @abstractmethod
    def begin(self, envelope: Envelope) -> Answer:
        """See `Actor`."""


class WrappedActor(Actor):
    """An actor that stands for another one and changes what reaches it or leaves it."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.name, self.lookahead, self.own_lookahead = actor.name, actor.lookahead, actor.own_lookahead

    def promise(self, now: int) -> int:
        """See `Actor`."""
        return self.actor.promise(now)

    def accounts(self) -> dict[str, int]:
        """See `Actor`."""
        return self.actor.accounts()

    def parts(self) -> Mapping[str, Stateful]:
        """See `Stateful`."""
        return {"actor": self.actor}


class ChangedActor(SharingActor, WrappedActor):
    """An actor that stands for another one and changes what leaves it."""

    def begin(self, envelope: Envelope) -> Answer:
        """See `Actor`."""
        return changed(self.actor.begin(envelope), self.change)

    @abstractmethod
    def change(self, effects: Sequence[Effect]) -> Sequence[Effect]:
        """Return what leaves in place of these effects."""
