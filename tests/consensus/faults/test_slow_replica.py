"""Slow replicas."""

from __future__ import annotations

from ceas_ray.consensus.committee import VIEW_TIMER_DELTAS
from ceas_ray.consensus.faults.slow_replica import SlowReplica
from ceas_ray.kernel.envelope import Send
from ceas_ray.kernel.streams import Streams
from tests.consensus.committee import DELTA, make_replica
from tests.consensus.faults.faulty_leader import FaultyLeader


def test_a_frame_of_a_slow_replica_leaves_a_view_timer_later() -> None:
    slow = SlowReplica(make_replica(0, 4), Streams(1))
    frame = object()
    (send,) = slow.distort(Send(7, "replica/1", frame), frame)  # type: ignore[arg-type]
    assert send == Send(7 + VIEW_TIMER_DELTAS * DELTA, "replica/1", frame)


def test_the_others_agree_without_waiting_for_a_slow_leader() -> None:
    network = FaultyLeader(4, lambda replica: SlowReplica(replica, Streams(1)))
    assert {(decision.view, decision.skipped) for decision in network.honest_decisions()} == {(1, False)}
