"""A Byzantine processor: does everything as an honest one, and sends what the adversary tells it to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.envelope import Effect, Envelope, Send, WorkDone
from ceas_ray.messages.payloads import SendRow, Timer
from ceas_ray.processors.processor import Processor


class ByzantineProcessor(Actor):
    """Wraps a processor: its honest row goes to the adversary; the row that comes back is its update.

    Tagging and encoding the row takes the same `update_time` as an honest update, so that the lookahead is the same.
    """

    def __init__(self, processor: Processor) -> None:
        self._processor = processor
        self.name = processor.name
        self.lookahead, self.own_lookahead = processor.lookahead, processor.own_lookahead
        self._forged: SendRow | None = None

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        now, processor = envelope.deliver_at, self._processor
        match envelope.payload:
            case WorkDone(output=output):
                return [processor.show(now, processor.learn(output))]
            case SendRow() as forged:
                self._forged = forged
                return [Send(now + processor.learning.update_time, self.name, Timer("send", forged.round_index))]
            case Timer():
                assert self._forged is not None, "a timer without a row"
                return processor.update_frames(now, self._forged.row)
            case _:
                return processor.handle(envelope)

    def promise(self, now: int) -> int:
        """See `Actor`."""
        return self._processor.promise(now)

    def snapshot(self) -> Any:
        """See `Actor`."""
        return {"processor": self._processor.snapshot(), "forged": self._forged}

    def restore(self, state: Any) -> None:
        """See `Actor`."""
        self._processor.restore(state["processor"])
        self._forged = state["forged"]
