"""Replicas that tell half of the others something else."""

from __future__ import annotations

from ceas_ray.consensus.faults.equivocating_replica import EquivocatingReplica
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.frames import FrameKind
from tests.consensus.faults.faulty_leader import FaultyLeader


def test_odd_receivers_hear_of_another_value_and_nobody_decides_it() -> None:
    network = FaultyLeader(4, lambda replica: EquivocatingReplica(replica, Streams(1)))
    bodies = {frame.receiver: frame.body for frame in network.said(FrameKind.PROPOSAL)}
    assert bodies["replica/1"] == bodies["replica/3"] != bodies["replica/2"]
    assert not any(decision.skipped for decision in network.honest_decisions())


def test_what_an_equivocating_replica_says_has_right_tags() -> None:
    network = FaultyLeader(4, lambda replica: EquivocatingReplica(replica, Streams(1)))
    assert network.observations == []
