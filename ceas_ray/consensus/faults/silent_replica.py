"""A replica that says nothing."""

from __future__ import annotations

from collections.abc import Sequence

from ceas_ray.consensus.replica import Replica
from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.envelope import Effect, Envelope


class SilentReplica(Actor):
    """Says nothing, because it is Byzantine or off for good."""

    def __init__(self, replica: Replica) -> None:
        self.name, self.lookahead, self.own_lookahead = replica.name, replica.lookahead, replica.own_lookahead

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        return []
