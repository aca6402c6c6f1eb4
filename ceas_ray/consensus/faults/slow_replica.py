"""A replica that is honest and slow."""

from __future__ import annotations

from collections.abc import Sequence

from ceas_ray.consensus.committee import VIEW_TIMER_DELTAS
from ceas_ray.consensus.faults.distorting_replica import DistortingReplica
from ceas_ray.kernel.envelope import Send
from ceas_ray.messages.consensus_payloads import Frame


class SlowReplica(DistortingReplica):
    """Delays everything that it sends by the length of a view timer."""

    def distort(self, send: Send, frame: Frame) -> Sequence[Send]:
        """See `DistortingReplica`."""
        late = VIEW_TIMER_DELTAS * self.actor.committee.delta
        return [Send(send.deliver_at + late, send.receiver, frame)]
