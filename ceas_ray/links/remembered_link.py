"""A link manager that remembers: plans that other runs of this process carried out on the same link are not simulated
again."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from hashlib import blake2b

from ceas_ray.kernel.actor import Actor, WrappedActor
from ceas_ray.kernel.envelope import Effect, Envelope
from ceas_ray.links.link_manager import LinkManager
from ceas_ray.messages.payloads import GeneratePairs


class LinkMemory:
    """What link managers answered to plans, by link and plan; of one seed at a time, so that it stays small.

    A link manager has no state: its answer is a function of its hardware, its streams and the plan alone. Runs that
    differ in attack, rule or learning rate make the same plans, so they share the answers, bit for bit.
    """

    def __init__(self) -> None:
        self._seed: int | None = None
        self._answers: dict[bytes, Sequence[Effect]] = {}

    def of_seed(self, seed: int) -> LinkMemory:
        """Return this memory, which forgets what it knows of another seed."""
        if seed != self._seed:
            self._seed, self._answers = seed, {}
        return self

    def answer(self, link: bytes, manager: LinkManager, envelope: Envelope) -> Sequence[Effect]:
        """Return the manager's answer. link: what tells it from any other."""
        key = blake2b(link + envelope.payload_bytes, digest_size=20).digest()
        if key not in self._answers:
            self._answers[key] = manager.handle(envelope)
        return self._answers[key]


class _RememberedLink(WrappedActor):
    """Stands for a link manager. Whatever is no plan goes to the manager itself."""

    def __init__(self, manager: LinkManager, memory: LinkMemory) -> None:
        super().__init__(manager)
        self._manager, self._memory = manager, memory
        self._link = blake2b(pickle.dumps(vars(manager)), digest_size=20).digest()

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        if not isinstance(envelope.payload, GeneratePairs):
            return self._manager.handle(envelope)
        return self._memory.answer(self._link, self._manager, envelope)


def remembered(link: Actor, memory: LinkMemory) -> Actor:
    """Return a link as it was made, on whose manager `memory` is asked first; whoever stands around it stays."""
    if isinstance(link, LinkManager):
        return _RememberedLink(link, memory)
    assert isinstance(link, WrappedActor), "a link is a link manager, or stands for one"
    link.actor = remembered(link.actor, memory)
    return link
