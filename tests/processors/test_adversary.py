"""The adversary: when it answers its colluders, and with what it has seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ceas_ray.attacks.attack import Attack, Knowledge, Timing
from ceas_ray.attacks.sign_flip import SignFlip
from ceas_ray.attacks.slow_drift import SlowDrift
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.envelope import Effect, Envelope, Send
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.attack_payloads import RowShown, SendRow
from ceas_ray.messages.payloads import ADVERSARY, ENTANGLEMENT_MANAGER, RoundStarted, Timer
from ceas_ray.processors.adversary import Adversary, AdversaryTimer
from ceas_ray.processors.byzantine_processor import ByzantineTimer

PLAN_ENDS, PATIENCE, DELAY = 1000, 50, 7
COLLUDERS, POPULATION = (1, 3), 5


def adversary(knowledge: Knowledge = "colluders", timing: Timing = "prompt", attack: Attack | None = None) -> Adversary:
    made: Attack = attack or SignFlip(2.0, knowledge)
    latencies = {f"processor/{k}": DELAY - k for k in COLLUDERS} | {"processor/0": DELAY}
    return Adversary(
        made,
        timing,
        colluders=COLLUDERS,
        population=POPULATION,
        patience=PATIENCE,
        latencies=latencies,
        streams=Streams(1),
        rule=lambda rows: rows.mean(axis=0),
    )


def told(to: Adversary, at: int, sender: str, payload: Any) -> list[Effect]:
    return list(to.handle(Envelope(deliver_at=at, sender=sender, serial=0, receiver=ADVERSARY, payload=payload)))


def started(to: Adversary, round_index: int = 0) -> list[Effect]:
    schedule = RoundStarted(
        round_index=round_index,
        plan_ends_at=PLAN_ENDS,
        inputs_open_until=2000,
        inputs_time_out_at=3000,
        key_bits=np.zeros(0, np.int64),
    )
    return told(to, 1, ENTANGLEMENT_MANAGER, schedule)


def shown(to: Adversary, k: int, at: int = PLAN_ENDS + 1, round_index: int = 0) -> list[Effect]:
    return told(to, at, f"processor/{k}", RowShown(round_index=round_index, processor=k, row=np.full(3, float(k))))


def test_it_waits_for_late_rows_until_some_time_after_the_plan() -> None:
    assert started(adversary()) == [Send(PLAN_ENDS + PATIENCE, ADVERSARY, Timer(AdversaryTimer.PATIENCE_ENDS, 0))]


def test_all_colluders_are_answered_at_once_when_the_last_row_is_in() -> None:
    one = adversary()
    started(one)
    assert shown(one, 3) == []
    effects = shown(one, 1)
    assert [(send.deliver_at, send.receiver) for send in effects if isinstance(send, Send)] == [
        (PLAN_ENDS + 1 + DELAY, "processor/1"), (PLAN_ENDS + 1 + DELAY, "processor/3"),
    ]  # fmt: skip
    assert [send.payload.row.tolist() for send in effects if isinstance(send, Send)] == [[-2.0] * 3, [-6.0] * 3]


def test_an_omniscient_adversary_waits_for_the_rows_of_everybody() -> None:
    one = adversary("omniscient")
    started(one)
    assert [shown(one, k) for k in (1, 3, 0, 2)] == [[]] * 4
    assert len(shown(one, 4)) == len(COLLUDERS)


def test_when_its_patience_ends_it_answers_those_whose_rows_it_has() -> None:
    one = adversary()
    (timer,) = started(one)
    assert isinstance(timer, Send)
    shown(one, 3)
    answered = told(one, timer.deliver_at, ADVERSARY, timer.payload)
    assert [send.receiver for send in answered if isinstance(send, Send)] == ["processor/3"]
    assert shown(one, 1, timer.deliver_at + 1) == [], "it answers once a round"


def test_it_says_nothing_if_it_has_seen_nothing_or_its_attack_is_silence() -> None:
    for one in (adversary(), adversary(timing="never")):
        (timer,) = started(one)
        assert isinstance(timer, Send)
        if one._timing == "never":
            assert [shown(one, k) for k in COLLUDERS] == [[], []]
        assert told(one, timer.deliver_at, ADVERSARY, timer.payload) == []


def test_the_timer_of_an_earlier_round_is_void() -> None:
    one = adversary()
    (timer,) = started(one)
    assert isinstance(timer, Send)
    started(one, 1)
    told(one, 5, "processor/1", RowShown(round_index=1, processor=1, row=np.ones(3)))
    assert told(one, timer.deliver_at, ADVERSARY, timer.payload) == []


def test_a_timer_of_another_actor_and_a_foreign_message_are_errors() -> None:
    with pytest.raises(ValueError, match="is not a valid AdversaryTimer"):
        told(adversary(), 5, ADVERSARY, Timer(ByzantineTimer.ROW_LEAVES, 0))
    with pytest.raises(TypeError, match="adversary cannot handle SendRow"):
        told(adversary(), 5, ADVERSARY, SendRow(round_index=0, row=np.zeros(3), timing="prompt"))


def test_it_goes_on_from_a_snapshot_with_the_rows_that_it_has_seen() -> None:
    one, other = adversary(), adversary()
    started(one)
    shown(one, 3)
    other.restore(decode(encode(one.snapshot())))
    first, second = ([encode(send.payload) for send in shown(which, 1) if isinstance(send, Send)]
                     for which in (one, other))  # fmt: skip
    assert first == second != []


def test_what_its_attack_remembers_outlives_a_round_and_a_snapshot() -> None:
    one, other = (adversary(attack=SlowDrift(1.0, 0.5, "colluders")) for _ in range(2))
    started(one)
    sent = [shown(one, k) for k in COLLUDERS][-1]
    started(one, 1)
    other.restore(decode(encode(one.snapshot())))
    again, there = ([encode(send.payload) for k in COLLUDERS for send in shown(which, k, round_index=1)
                     if isinstance(send, Send)] for which in (one, other))  # fmt: skip
    assert again == there != []
    rows = [send.payload.row for send in sent if isinstance(send, Send)]
    later = [decode(payload).row for payload in again]
    drift = [1.0 - row[0] for row in (rows[0], later[0])]
    assert drift[1] == pytest.approx(1.5 * drift[0]), "the drift has grown from 1/2 of its size to 3/4"
