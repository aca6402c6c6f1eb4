"""The link of a processor that refuses to announce the outcomes of tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.envelope import Effect, Envelope, Send
from ceas_ray.messages.payloads import TestOutcomes


class UnannouncedTests(Actor):
    """Wraps a link or route manager: of every test the hub hears nothing from the processor.

    It cannot refuse those alone that it would fail: it must announce before the hub reveals basis or outcome.
    """

    def __init__(self, manager: Actor) -> None:
        self.manager = manager
        self.name, self.lookahead, self.own_lookahead = manager.name, manager.lookahead, manager.own_lookahead

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        return [
            Send(effect.deliver_at, effect.receiver, _without_announcement(effect.payload))
            if isinstance(effect, Send) and isinstance(effect.payload, TestOutcomes)
            else effect
            for effect in self.manager.handle(envelope)
        ]

    def promise(self, now: int) -> int:
        """See `Actor`."""
        return self.manager.promise(now)

    def snapshot(self) -> Any:
        """See `Actor`."""
        return self.manager.snapshot()

    def restore(self, state: Any) -> None:
        """See `Actor`."""
        self.manager.restore(state)


def _without_announcement(outcomes: TestOutcomes) -> TestOutcomes:
    return replace(outcomes, announced=outcomes.tested * 0, errors=outcomes.errors * 0)
