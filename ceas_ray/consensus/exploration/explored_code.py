"""The code that a whole-replica scenario runs: that of training, or a part of it with a planted bug."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ceas_ray.consensus.replica import Replica
from ceas_ray.messages.frames import Channel, ModelAdoption
from ceas_ray.messages.quorum import Quorums


@dataclass(frozen=True)
class ExploredCode:
    """Constructors of the parts that scenarios drive.

    replica: a member of the committee. channel: one end of a link. quorums: the entanglement manager's, whose rule says
    when the next round begins. adoption: how a processor adopts what replicas reply.
    """

    replica: Callable[..., Replica] = Replica
    channel: Callable[..., Channel] = Channel
    quorums: Callable[[int], Quorums] = Quorums
    adoption: Callable[[int], ModelAdoption] = ModelAdoption


TRAINING = ExploredCode()
"""The code of training, unchanged."""
