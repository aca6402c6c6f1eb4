"""Replicas that lie about what they voted for, received and hold."""

from __future__ import annotations

from ceas_ray.consensus.echoes import accusation_item
from ceas_ray.consensus.faults.lying_replica import LyingReplica
from ceas_ray.kernel.codec import decode
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.frames import FrameKind
from tests.consensus.committee import PROCESSORS
from tests.consensus.faults.faulty_leader import FaultyLeader


def test_a_liar_accuses_everybody_and_no_honest_processor_is_quarantined() -> None:
    network = FaultyLeader(4, lambda replica: LyingReplica(replica, Streams(1)))
    accused = {*map(accusation_item, range(PROCESSORS))}
    assert all(accused <= {*decode(frame.body)} for frame in network.said(FrameKind.ECHO))
    assert {decision.quarantined for decision in network.honest_decisions()} == {()}


def test_the_same_streams_give_the_same_lies() -> None:
    runs = [FaultyLeader(4, lambda replica: LyingReplica(replica, Streams(7))) for _ in range(2)]
    assert runs[0].sent == runs[1].sent
