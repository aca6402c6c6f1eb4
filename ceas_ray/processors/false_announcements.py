"""False announcements: what a Byzantine processor says about tested pairs and about its outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ceas_ray.attacks.announcements import Announcements, Announcer
from ceas_ray.kernel.actor import Actor, ChangedActor
from ceas_ray.kernel.envelope import Effect, Send
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.payloads import TestOutcomes, TrapCircuitsAnswered


class FalseAnnouncements(ChangedActor):
    """Wraps a Byzantine processor or its link manager, so that the hub counts the errors that its announcements lead
    to.

    Nothing distinguishes a trap circuit from one of data before all outcomes are announced, so there it can only guess
    or withhold.
    """

    def __init__(self, actor: Actor, announcer: Announcer, revealed: bool, streams: Streams) -> None:
        """Wrap `actor`; revealed: whether tests of pairs are announced after the hub's outcomes were seen (see
        `Announcer`).
        """
        super().__init__(actor)
        self._announcer, self._revealed, self._streams = announcer, revealed, streams

    def change(self, effects: Sequence[Effect]) -> Sequence[Effect]:
        """See `ChangedActor`."""
        return [self._falsified(effect) for effect in effects]

    def _falsified(self, effect: Effect) -> Effect:
        match effect:
            case Send(payload=TestOutcomes(round_index=round_index, announced=announced, errors=errors) as true):
                said = self._announced(round_index, Announcements(announced, errors), self._revealed)
                return effect._replace(payload=replace(true, announced=said.announced, errors=said.errors))
            case Send(payload=TrapCircuitsAnswered(round_index=round_index, answered=answered, wrong=wrong) as true):
                said = self._announced(round_index, Announcements(np.array([answered]), np.array([wrong])), False)
                return effect._replace(
                    payload=replace(true, answered=int(said.announced[0]), wrong=int(said.errors[0]))
                )
            case _:
                return effect

    def _announced(self, round_index: int, true: Announcements, revealed: bool) -> Announcements:
        generator = self._streams.generator(self.kind, self.name, "announcements", round_index)
        return self._announcer.announce(true, revealed, generator)
