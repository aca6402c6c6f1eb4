"""Replicas that speak in other replicas' names."""

from __future__ import annotations

from ceas_ray.consensus.faults.forging_replica import ForgingReplica
from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.frames import digest_of
from tests.consensus.faults.faulty_leader import FaultyLeader


def test_forged_votes_change_nothing_since_their_tags_are_wrong() -> None:
    network = FaultyLeader(4, lambda replica: ForgingReplica(replica, Streams(1)))
    forged = [frame for frame in network.sent if frame.body == encode(digest_of(b"a forged value"))]
    assert {frame.sender for frame in forged} == {"replica/1", "replica/2", "replica/3"}
    assert {(decision.view, decision.skipped) for decision in network.honest_decisions()} == {(0, False)}
