"""The link of a processor that refuses to announce the outcomes of tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ceas_ray.kernel.actor import WrappedActor
from ceas_ray.kernel.envelope import Effect, Envelope, Send
from ceas_ray.messages.payloads import TestOutcomes


class UnannouncedTests(WrappedActor):
    """Wraps a link or route manager: of every test the hub hears nothing from the processor.

    It cannot refuse those alone that it would fail: it must announce before the hub reveals basis or outcome.
    """

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        return [
            Send(effect.deliver_at, effect.receiver, _without_announcement(effect.payload))
            if isinstance(effect, Send) and isinstance(effect.payload, TestOutcomes)
            else effect
            for effect in self.actor.handle(envelope)
        ]


def _without_announcement(outcomes: TestOutcomes) -> TestOutcomes:
    return replace(outcomes, announced=outcomes.tested * 0, errors=outcomes.errors * 0)
