"""The round controller, with link managers and replicas played by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ceas_ray.entanglement.hub import HubTimer
from ceas_ray.entanglement.round_controller import ControllerTimer, RoundController
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.envelope import Envelope, Mark, Observation, Send
from ceas_ray.messages.observations import RoundObserved, StallObserved, WarmUpObserved
from ceas_ray.messages.payloads import (
    DRIVER,
    ENTANGLEMENT_MANAGER,
    Begin,
    GeneratePairs,
    KeysDistilled,
    PlanFinished,
    RoundGivenUp,
    RoundStarted,
    StopWaiting,
    Timer,
)
from tests.entanglement.parts import PROCESSORS, REPLICAS, TIMING, controller_of, without_progress
from tests.messages.decisions import a_decision

PARTIES = PROCESSORS + REPLICAS


class Play:
    """Delivers what the controller sends: plans are carried out at once, replicas report when they are told to."""

    def __init__(self, controller: RoundController, keys: bool = True) -> None:
        """keys: whether plans distil any."""
        self.controller, self.keys = controller, keys
        self.now, self.serial = 0, 0
        self.sent: list[Send] = []
        self.observed: list[Any] = []
        self.marks: list[Mark] = []
        self.timers: list[Send] = []
        self.tell(1, DRIVER, Begin())

    def tell(self, at: int, sender: str, payload: Any) -> None:
        assert at >= self.now
        self.now, self.serial = at, self.serial + 1
        told = Envelope(
            deliver_at=at, sender=sender, serial=self.serial, receiver=ENTANGLEMENT_MANAGER, payload=payload
        )
        for effect in without_progress(self.controller.handle(told)):
            match effect:
                case Send(payload=Timer()):
                    self.timers.append(effect)
                case Send(payload=GeneratePairs() as plan):
                    self.sent.append(effect)
                    self.tell(at, effect.receiver, self._carried_out(effect.receiver, plan))
                case Send():
                    assert effect.deliver_at >= self.controller.promise(at) or isinstance(effect.payload, RoundStarted)
                    self.sent.append(effect)
                case Observation():
                    self.observed.append(effect.payload)
                case Mark():
                    self.marks.append(effect)

    def _carried_out(self, link: str, plan: GeneratePairs) -> PlanFinished:
        peers = len(plan.key_peers)
        bits = plan.key_bits_wanted if self.keys else np.zeros(peers)
        return PlanFinished(
            round_index=plan.round_index, link=link, links=(), link_counts=np.zeros((0, 3, 5), np.int64),
            link_stored=np.zeros(0, np.int64), shots=0, shots_on_time=0, key_peers=plan.key_peers,
            key_pairs=np.ones(peers, np.int64), key_bits=bits, attenuation=np.ones(7), trace=b"",
        )  # fmt: skip

    def wake(self, purpose: ControllerTimer) -> None:
        """Go on to the next timer, which is for this."""
        timer = min(self.timers, key=lambda send: send.deliver_at)
        self.timers.remove(timer)
        assert timer.payload.purpose == purpose
        self.tell(timer.deliver_at, ENTANGLEMENT_MANAGER, timer.payload)

    def decide(self, round_index: int, replicas: int = REPLICAS, bits: int = 10**6) -> None:
        """So many replicas report the same, with this much key left."""
        self.tell(max(self.now, self.controller.state.plan_ends_at), "", None)
        for j in range(replicas):
            left = np.full((2, PARTIES), bits)
            decided = a_decision(PARTIES, round_index=round_index, key_bits=left)
            self.tell(self.now, f"replica/{j}", decided)

    def received(self, kind: type) -> list[str]:
        return [send.receiver for send in self.sent if isinstance(send.payload, kind)]


def warmed_up(**choices: Any) -> Play:
    """In round 0, which runs."""
    play = Play(controller_of(**choices))
    play.wake(ControllerTimer.ROUND_STARTS)
    play.wake(ControllerTimer.WARM_UP_ENDS)
    play.sent.clear()
    play.wake(ControllerTimer.ROUND_STARTS)
    return play


def test_the_warm_up_ends_with_an_observation_and_the_first_round() -> None:
    play = Play(controller_of())
    play.wake(ControllerTimer.ROUND_STARTS)
    assert play.received(RoundStarted) == ["hub"]
    play.wake(ControllerTimer.WARM_UP_ENDS)
    assert [type(observed) for observed in play.observed] == [WarmUpObserved]
    assert [timer.payload for timer in play.timers] == [Timer(ControllerTimer.ROUND_STARTS, 0)]


@pytest.mark.parametrize("adversary", [False, True])
def test_everybody_learns_the_schedule_of_a_round_and_its_new_keys(adversary: bool) -> None:
    play = warmed_up(adversary=adversary)
    started = {send.receiver: send.payload for send in play.sent if isinstance(send.payload, RoundStarted)}
    processors, replicas = [f"processor/{k}" for k in range(PROCESSORS)], [f"replica/{j}" for j in range(REPLICAS)]
    assert set(started) == {"hub", *processors, *replicas} | ({"adversary"} if adversary else set())
    assert len({(s.plan_ends_at, s.inputs_open_until, s.inputs_time_out_at) for s in started.values()}) == 1
    for k, processor in enumerate(processors):
        for j, replica in enumerate(replicas):
            of_processor, of_replica = started[processor].key_bits[:, j], started[replica].key_bits[:, k]
            assert of_processor.tolist() == of_replica[::-1].tolist()
            assert of_processor.min() > 0


def test_a_round_goes_through_plan_inputs_and_time_out_in_this_order() -> None:
    play = warmed_up()
    schedule = next(send.payload for send in play.sent if isinstance(send.payload, RoundStarted))
    plans_end = max(send.payload.starts_at + max(send.payload.key_starts, default=0) for send in play.sent
                    if isinstance(send.payload, GeneratePairs))  # fmt: skip
    assert plans_end <= schedule.plan_ends_at < schedule.inputs_open_until < schedule.inputs_time_out_at
    (stalls,) = play.timers
    assert stalls.deliver_at == schedule.inputs_time_out_at + TIMING.patience


def test_rounds_follow_each_other_and_after_the_last_one_all_are_told() -> None:
    play = warmed_up(rounds=2)
    play.decide(0)
    assert [type(observed) for observed in play.observed] == [WarmUpObserved, RoundObserved]
    assert [(mark.round_index, mark.at) for mark in play.marks] == [(0, play.now + TIMING.planning_time)]
    play.timers = [timer for timer in play.timers if timer.payload.purpose != ControllerTimer.ROUND_STALLS]
    play.wake(ControllerTimer.ROUND_STARTS)
    assert not play.received(StopWaiting)
    play.decide(1)
    assert [mark.round_index for mark in play.marks] == [0, 1]
    everybody = [*(f"processor/{k}" for k in range(PROCESSORS)), *(f"replica/{j}" for j in range(REPLICAS))]
    assert play.received(StopWaiting) == everybody
    assert not [timer for timer in play.timers if timer.payload.purpose == ControllerTimer.ROUND_STARTS]


def test_two_reports_of_four_end_nothing() -> None:
    play = warmed_up()
    play.decide(0, replicas=2)
    assert play.marks == []


def test_a_stall_stops_a_run_that_does_not_wait() -> None:
    play = warmed_up(way="stop")
    play.wake(ControllerTimer.ROUND_STALLS)
    assert play.observed[-1].cause == "the committee did not decide in time"
    assert [mark.model for mark in play.marks] == [None]
    assert len(play.received(StopWaiting)) == REPLICAS


@pytest.mark.parametrize("way", ["wait", "skip"])
def test_a_stalled_round_gets_a_reserve_of_keys_as_often_as_it_may_wait(way: str) -> None:
    play = warmed_up(way=way, max_waits=2)
    for refill in (1, 2):
        play.sent.clear()
        play.wake(ControllerTimer.ROUND_STALLS)
        assert {send.payload.round_index for send in play.sent} == {-1 - refill}
        play.wake(ControllerTimer.KEYS_REFILLED)
        assert len(play.received(KeysDistilled)) == PARTIES
        assert len(play.received(RoundGivenUp)) == (REPLICAS if way == "skip" else 0)
    play.wake(ControllerTimer.ROUND_STALLS)
    assert isinstance(play.observed[-1], StallObserved)
    assert play.observed[-1].waits == 2


def test_a_decision_during_a_refill_waits_for_the_end_of_its_plan() -> None:
    play = warmed_up(way="wait", max_waits=1)
    play.wake(ControllerTimer.ROUND_STALLS)
    ends = play.controller.state.plan_ends_at
    assert play.now < ends
    for j in range(REPLICAS):
        decided = a_decision(PARTIES, key_bits=np.full((2, PARTIES), 10**6))
        play.tell(play.now, f"replica/{j}", decided)
    assert play.marks == []
    assert [t.deliver_at for t in play.timers if t.payload.purpose == ControllerTimer.ROUND_ENDS] == [ends]


def test_a_round_does_not_begin_without_keys() -> None:
    play = Play(controller_of(way="wait", max_waits=1), keys=False)
    for purpose in (ControllerTimer.ROUND_STARTS, ControllerTimer.WARM_UP_ENDS, ControllerTimer.ROUND_STARTS):
        play.wake(purpose)
    assert play.received(RoundStarted) == ["hub"], "only the warm-up began"
    play.keys = True
    play.wake(ControllerTimer.KEYS_REFILLED)
    assert play.observed[-1].cause == "the committee lacks keys"


def test_a_timer_of_another_actor_is_an_error() -> None:
    with pytest.raises(ValueError, match="is not a valid ControllerTimer"):
        Play(controller_of()).tell(5, ENTANGLEMENT_MANAGER, Timer(HubTimer.PLAN_ENDS, 0))


def test_a_controller_goes_on_from_a_snapshot_as_if_nothing_had_happened() -> None:
    play = warmed_up(way="wait", max_waits=3)
    play.decide(0, replicas=2)
    play.wake(ControllerTimer.ROUND_STALLS)
    other = controller_of(way="wait", max_waits=3)
    other.restore(decode(encode(play.controller.snapshot())))
    assert encode(other.snapshot()) == encode(play.controller.snapshot())
    timer = min(play.timers, key=lambda send: send.deliver_at)
    envelope = Envelope(
        deliver_at=timer.deliver_at,
        sender=ENTANGLEMENT_MANAGER,
        serial=99,
        receiver=ENTANGLEMENT_MANAGER,
        payload=timer.payload,
    )
    effects = [[(e.receiver, encode(e.payload)) for e in one.handle(envelope) if isinstance(e, Send)]
               for one in (play.controller, other)]  # fmt: skip
    assert effects[0] == effects[1] != []
