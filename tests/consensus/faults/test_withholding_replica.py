"""Replicas that withhold their votes."""

from __future__ import annotations

from ceas_ray.consensus.faults.withholding_replica import WithholdingReplica
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.frames import FrameKind
from tests.consensus.faults.faulty_leader import FaultyLeader

VOTES = (FrameKind.VOTE1, FrameKind.VOTE2, FrameKind.VOTE3, FrameKind.VOTE4, FrameKind.DECIDE)


def test_a_withholding_leader_proposes_and_the_others_decide_without_its_votes() -> None:
    network = FaultyLeader(4, lambda replica: WithholdingReplica(replica, Streams(1)))
    assert network.said(FrameKind.PROPOSAL)
    assert not network.said(*VOTES)
    assert {(decision.view, decision.skipped) for decision in network.honest_decisions()} == {(0, False)}
