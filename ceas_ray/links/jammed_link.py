"""A link manager whose pairs are disturbed in some rounds: they are made and measured, and yield no key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ceas_ray.kernel.actor import Actor, ChangedActor
from ceas_ray.kernel.envelope import Effect, Send
from ceas_ray.messages.payloads import PlanFinished


class JammedLink(ChangedActor):
    """Wraps a link manager: an adversary on the fiber spoils every key pair with a jammed replica.

    The error rate then shows that there is no key, and the entanglement manager books those pairs as expired. Disturbed
    are the plans of rounds `first` to `last`, and the first `refills` refills.
    """

    def __init__(self, manager: Actor, jammed: frozenset[str], *, first: int, last: int, refills: int) -> None:
        """jammed: names of the replicas whose legs are disturbed."""
        super().__init__(manager)
        self._jammed = jammed
        self._first, self._last, self._refills = first, last, refills

    def change(self, effects: Sequence[Effect]) -> Sequence[Effect]:
        """See `ChangedActor`."""
        return [
            Send(effect.deliver_at, effect.receiver, self._spoiled(effect.payload))
            if isinstance(effect, Send) and isinstance(effect.payload, PlanFinished)
            else effect
            for effect in effects
        ]

    def _spoiled(self, plan: PlanFinished) -> PlanFinished:
        now = plan.round_index
        if not (self._first <= now <= self._last or -1 - self._refills <= now < -1):
            return plan
        own = plan.link.removeprefix("link/") in self._jammed
        spoiled = np.array([own or peer in self._jammed for peer in plan.key_peers], dtype=bool)
        if not spoiled.any():
            return plan
        bits = np.where(spoiled, 0.0, plan.key_bits)
        return replace(plan, key_bits=bits)
