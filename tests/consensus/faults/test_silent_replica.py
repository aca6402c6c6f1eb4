"""Silent replicas."""

from __future__ import annotations

from ceas_ray.consensus.faults.silent_replica import SilentReplica
from tests.consensus.faults.faulty_leader import FAULTY, FaultyLeader


def test_the_others_decide_without_a_silent_leader_in_the_next_view() -> None:
    network = FaultyLeader(4, SilentReplica)
    assert {(decision.view, decision.skipped) for decision in network.honest_decisions()} == {(1, False)}
    assert not any(frame.sender == FAULTY for frame in network.sent)
