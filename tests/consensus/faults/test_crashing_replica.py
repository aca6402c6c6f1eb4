"""Replicas that crash and recover from their disks."""

from __future__ import annotations

import numpy as np

from ceas_ray.consensus.faults.crashing_replica import Crash, CrashingReplica, CrashTimer
from ceas_ray.kernel.envelope import Envelope, Send
from ceas_ray.messages.payloads import ENTANGLEMENT_MANAGER, KeysDistilled, RoundStarted, Timer
from tests.consensus.committee import DELTA, OPENS, PLENTY, PROCESSORS, make_replica
from tests.consensus.faults.faulty_leader import FaultyLeader

CRASH = Crash(round_index=0, after=2 * DELTA, down=5 * DELTA)


def told(replica: CrashingReplica, payload: object, at: int = 1, sender: str = ENTANGLEMENT_MANAGER) -> list[Send]:
    envelope = Envelope(deliver_at=at, sender=sender, serial=0, receiver=replica.name, payload=payload)
    return [effect for effect in replica.handle(envelope) if isinstance(effect, Send)]


def started() -> CrashingReplica:
    replica = CrashingReplica(lambda: make_replica(0, 4), CRASH)
    schedule = RoundStarted(
        round_index=0, plan_ends_at=0, inputs_open_until=OPENS, inputs_time_out_at=2 * OPENS,
        key_bits=np.full((2, PROCESSORS + 4), PLENTY),
    )  # fmt: skip
    timers = {
        send.payload.purpose: send.deliver_at for send in told(replica, schedule) if send.receiver == replica.name
    }
    assert timers[CrashTimer.CRASH] == OPENS + CRASH.after
    assert timers[CrashTimer.RECOVER] == OPENS + CRASH.after + CRASH.down
    return replica


def test_what_was_persisted_is_there_again_after_the_crash() -> None:
    replica = started()
    told(replica, Timer(CrashTimer.CRASH, 0), OPENS, replica.name)
    assert replica.actor.channel("replica/1").outgoing.distilled == 0
    told(replica, Timer(CrashTimer.RECOVER, 0), OPENS + 1, replica.name)
    pool = replica.actor.channel("replica/1").outgoing
    assert pool.distilled == pool.stored + pool.spent == PLENTY


def test_keys_that_are_distilled_while_it_is_down_are_there_when_it_is_back() -> None:
    replica = started()
    told(replica, Timer(CrashTimer.CRASH, 0), OPENS, replica.name)
    assert told(replica, KeysDistilled(0, np.full((2, PROCESSORS + 4), 61)), OPENS) == []
    told(replica, Timer(CrashTimer.RECOVER, 0), OPENS + 1, replica.name)
    assert replica.actor.channel("replica/1").incoming.distilled == PLENTY + 61


def test_a_leader_that_crashes_decides_what_the_others_decide() -> None:
    network = FaultyLeader(4, lambda replica: CrashingReplica(lambda: make_replica(0, 4), CRASH))
    decisions = network.honest_decisions()
    assert network.decided[0, 0].digest == decisions[0].digest
