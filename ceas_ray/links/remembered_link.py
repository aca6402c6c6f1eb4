"""Link managers that remember: a plan that another run of this process carried out on the same link is not simulated
again.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from hashlib import blake2b

from ceas_ray.kernel.actor import Actor, SharingActor, WrappedActor
from ceas_ray.kernel.envelope import Answer, Effect, Envelope, changed
from ceas_ray.links.link_manager import LinkManager
from ceas_ray.messages.payloads import GeneratePairs, GeneratePairsInParallel


class LinkMemory:
    """The answers of link managers to plans, by link and plan, for one seed at a time, so that it stays small.

    A link manager has no state: its answer is a function of its hardware, its streams and the plan alone. Runs that
    differ in attack, rule or learning rate make the same plans, so they share the answers, bit for bit.
    """

    def __init__(self) -> None:
        self._seed: int | None = None
        self._answers: dict[bytes, Sequence[Effect]] = {}

    def of_seed(self, seed: int) -> LinkMemory:
        """Return this memory, without what it knows of any other seed."""
        if seed != self._seed:
            self._seed, self._answers = seed, {}
        return self

    def answer(self, link: bytes, manager: LinkManager, envelope: Envelope) -> Answer:
        """Return the manager's answer to a plan. link: bytes that tell the link from any other."""
        key = blake2b(link + envelope.payload_bytes, digest_size=20).digest()
        if key in self._answers:
            return self._answers[key]

        def kept(effects: Sequence[Effect]) -> Sequence[Effect]:
            self._answers[key] = effects
            return effects

        return changed(manager.begin(envelope), kept)


class _RememberedLink(SharingActor, WrappedActor):
    """Stands for a link manager, and passes on to it whatever is no plan."""

    actor: LinkManager

    def __init__(self, manager: LinkManager, memory: LinkMemory) -> None:
        super().__init__(manager)
        self._memory = memory
        self._link = blake2b(pickle.dumps(vars(manager)), digest_size=20).digest()

    def begin(self, envelope: Envelope) -> Answer:
        """See `Actor`."""
        if not isinstance(envelope.payload, GeneratePairs | GeneratePairsInParallel):
            return self.actor.begin(envelope)
        return self._memory.answer(self._link, self.actor, envelope)


def remembered(link: Actor, memory: LinkMemory) -> Actor:
    """Return the same link, except that its manager's plans go to `memory` first. Wrappers around the manager stay."""
    if isinstance(link, LinkManager):
        return _RememberedLink(link, memory)
    assert isinstance(link, WrappedActor), "a link is a link manager, or stands for one"
    link.actor = remembered(link.actor, memory)
    return link
