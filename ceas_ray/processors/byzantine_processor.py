"""A Byzantine processor: it does everything as an honest one does, and sends what the adversary tells it to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ceas_ray.kernel.actor import WrappedActor
from ceas_ray.kernel.envelope import Effect, Envelope, Send, WorkDone
from ceas_ray.messages.attack_payloads import SendRow
from ceas_ray.messages.payloads import Timer, TimerPurpose
from ceas_ray.processors.processor import Processor


class ByzantineTimer(TimerPurpose):
    """The purposes for which a Byzantine processor wakes itself."""

    ROW_LEAVES = "send"


@dataclass
class ByzantineState:
    """forged: the latest row that the adversary told it to send."""

    forged: SendRow | None = None


class ByzantineProcessor(WrappedActor):
    """Wraps a processor: its honest row goes to the adversary, and the row that comes back is its update.

    Versions of a row go to the replicas in turn. A row may wait until it just arrives before the inputs time out
    (last_moment), or until they do (late); it is dropped if the round is over by then.

    Tagging and encoding the row takes the same `update_time` as an honest update, so the lookahead is the same.
    """

    def __init__(self, processor: Processor) -> None:
        super().__init__(processor)
        self._processor = processor
        self.state = ByzantineState()

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        now, processor = envelope.deliver_at, self._processor
        match envelope.payload:
            case WorkDone(output=output):
                return [processor.show(now, processor.learn(output)), *processor.trap_circuits(now, output)]
            case SendRow(round_index=round_index) as forged:
                self.state.forged = forged
                ready = now + processor.learning.update_time
                last_moment, too_late = processor.closing_times
                leaves_at = {"prompt": ready, "last_moment": last_moment, "late": too_late}[forged.timing]
                return [Send(max(ready, leaves_at), self.name, Timer(ByzantineTimer.ROW_LEAVES, round_index))]
            case Timer(purpose=ByzantineTimer.ROW_LEAVES, round_index=round_index):
                assert self.state.forged is not None, "a timer without a row"
                if round_index != processor.round_index:
                    return []
                try:
                    return processor.update_frames(now, self.state.forged.row)
                except ValueError:
                    return []  # not finite or too large for fixed point: every replica would refuse it
            case _:
                return processor.handle(envelope)
