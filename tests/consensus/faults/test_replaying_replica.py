"""Replicas that repeat old frames."""

from __future__ import annotations

from collections import Counter

from ceas_ray.consensus.faults.replaying_replica import ReplayingReplica
from ceas_ray.kernel.streams import Streams
from tests.consensus.faults.faulty_leader import FaultyLeader


def test_replayed_frames_change_nothing_since_their_slots_are_used() -> None:
    network = FaultyLeader(4, lambda replica: ReplayingReplica(replica, Streams(1)))
    copies = Counter((frame.sender, frame.receiver, frame.counter) for frame in network.sent)
    assert max(copies.values()) > 1
    assert {(decision.view, decision.skipped) for decision in network.honest_decisions()} == {(0, False)}
