"""A committee whose replica 0, the leader of view 0, is faulty."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.envelope import Observation
from ceas_ray.messages.consensus_payloads import Frame, RoundDecided
from ceas_ray.messages.payloads import replica_name
from tests.consensus.committee import Network

FAULTY = replica_name(0)


class FaultyLeader(Network):
    """Observations of faulty frames are kept apart, since only a journal takes them."""

    def __init__(self, replicas: int, faulty: Callable[[Any], Any], **more: Any) -> None:
        super().__init__(replicas, **more)
        self.replicas[0] = faulty(self.replicas[0])
        self.observations: list[Observation] = []
        self.run()

    def handled(self, j: int, envelope: Any) -> Any:
        effects = super().handled(j, envelope)
        self.observations += [effect for effect in effects if isinstance(effect, Observation)]
        return [effect for effect in effects if not isinstance(effect, Observation)]

    def said(self, *kinds: int) -> list[Frame]:
        """Return the faulty leader's frames of these kinds to other replicas."""
        of_it = (frame for frame in self.sent if frame.sender == FAULTY and frame.receiver.startswith("replica/"))
        return [frame for frame in of_it if frame.kind in kinds]

    def honest_decisions(self) -> list[RoundDecided]:
        """Return what the others decided, which must be the same, as must be the models that they hold."""
        decided = [self.decided[j, 0] for j in range(1, len(self.replicas))]
        assert len({decision.digest for decision in decided}) == 1
        assert len({encode(replica.model.state) for replica in self.replicas[1:]}) == 1
        return decided
