"""Leaders that propose a model of their own."""

from __future__ import annotations

from ceas_ray.consensus.faults.poisoning_replica import PoisoningReplica
from ceas_ray.kernel.codec import decode
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.frames import FrameKind, digest_of
from tests.consensus.faults.faulty_leader import FaultyLeader


def test_a_poisoned_proposal_gets_no_honest_vote_and_the_next_leader_s_is_decided() -> None:
    network = FaultyLeader(4, lambda replica: PoisoningReplica(replica, Streams(1)))
    poisoned = {digest_of(decode(frame.body)) for frame in network.said(FrameKind.PROPOSAL)}
    assert len(poisoned) == 1
    honest = [frame for frame in network.sent if frame.sender != "replica/0" and frame.kind == FrameKind.VOTE1]
    assert not any(decode(frame.body) in poisoned for frame in honest)
    assert {(decision.view, decision.processors) for decision in network.honest_decisions()} == {(1, (0, 1, 2))}
