"""The faults of the classical network: lost messages and partitions, and what is sent again because of them."""

from __future__ import annotations

from ceas_ray.config.schema import RunSettings
from ceas_ray.consensus.faults.unreliable_network import (
    FrameLoss,
    NetworkFault,
    NetworkPartition,
    OnUnreliableNetwork,
)
from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.streams import Streams
from ceas_ray.kernel.time import picoseconds
from ceas_ray.messages.payloads import replica_name
from ceas_ray.world.times import message_bound

RETRANSMIT_DELTAS = 3


def on_network(settings: RunSettings, actor: Actor, streams: Streams) -> Actor:
    """Return the actor behind the faults of the classical network, if there are any."""
    consensus = settings.consensus
    faults: list[NetworkFault] = []
    if consensus.loss_probability > 0:
        faults.append(FrameLoss(consensus.loss_probability, streams))
    if consensus.network_partition is not None:
        members = frozenset(map(replica_name, consensus.network_partition.replicas))
        begins, heals = consensus.network_partition.begins_seconds, consensus.network_partition.heals_seconds
        faults.append(NetworkPartition(members, picoseconds(begins), picoseconds(heals)))
    if not faults:
        return actor
    resend_after = RETRANSMIT_DELTAS * message_bound(settings)
    return OnUnreliableNetwork(actor, faults, resend_after, consensus.retransmissions)
