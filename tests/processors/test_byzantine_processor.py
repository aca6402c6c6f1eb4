"""A Byzantine processor: its honest row goes to the adversary, and the adversary's row leaves when it is told to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.envelope import Effect, Envelope, Send, WorkDone
from ceas_ray.messages.attack_payloads import RowShown, SendRow
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.payloads import ADVERSARY, ENTANGLEMENT_MANAGER, RoundStarted, Timer
from ceas_ray.processors.adversary import AdversaryTimer
from ceas_ray.processors.byzantine_processor import ByzantineProcessor, ByzantineTimer
from tests.processors.test_processor import NAMES, Heard

UPDATE_TIME, LATENCY = 10, 10
TIMES_OUT = 9000


def byzantine(rounds: int = 1) -> ByzantineProcessor:
    """In its latest round, with keys."""
    made = ByzantineProcessor(Heard().processor)
    for round_index in range(rounds):
        schedule = RoundStarted(
            round_index=round_index,
            plan_ends_at=900,
            inputs_open_until=1000,
            inputs_time_out_at=TIMES_OUT,
            key_bits=np.full((2, len(NAMES)), 10**6),
        )
        told(made, 1, ENTANGLEMENT_MANAGER, schedule)
    return made


def told(to: ByzantineProcessor, at: int, sender: str, payload: Any) -> list[Effect]:
    return list(to.handle(Envelope(deliver_at=at, sender=sender, serial=0, receiver=to.name, payload=payload)))


def wait_of(to: ByzantineProcessor, timing: str, at: int = 1000, row: Any = None) -> Send:
    """The timer that it sets when it is told to send a row."""
    forged = SendRow(round_index=0, row=np.ones(2) if row is None else row, timing=timing)
    (timer,) = told(to, at, ADVERSARY, forged)
    assert isinstance(timer, Send)
    assert timer.payload == Timer(ByzantineTimer.ROW_LEAVES, 0)
    return timer


def test_its_honest_row_goes_to_the_adversary_and_to_nobody_else() -> None:
    output = {"gradient": np.array([1.0, 2.0]), "variance": 0.0}
    (sent,) = told(byzantine(), 950, "processor/0", WorkDone("gradient", output))
    assert isinstance(sent, Send)
    assert sent.receiver == ADVERSARY
    assert isinstance(sent.payload, RowShown)


@pytest.mark.parametrize(("timing", "leaves_at"), [
    ("prompt", 1000 + UPDATE_TIME), ("last_moment", TIMES_OUT - LATENCY - 1), ("late", TIMES_OUT),
])  # fmt: skip
def test_a_row_leaves_at_the_moment_that_the_adversary_chose(timing: str, leaves_at: int) -> None:
    one = byzantine()
    timer = wait_of(one, timing)
    assert timer.deliver_at == leaves_at
    frames = told(one, timer.deliver_at, one.name, timer.payload)
    assert [send.receiver for send in frames if isinstance(send, Send)] == NAMES
    assert all(isinstance(send, Send) and isinstance(send.payload, Frame) for send in frames)


def test_no_row_leaves_sooner_than_an_honest_one_could() -> None:
    assert wait_of(byzantine(), "last_moment", TIMES_OUT).deliver_at == TIMES_OUT + UPDATE_TIME


def test_versions_of_a_row_go_to_replicas_in_turn() -> None:
    one = byzantine()
    timer = wait_of(one, "prompt", row=np.array([[1.0, 1.0], [2.0, 2.0]]))
    bodies = [e.payload.body for e in told(one, timer.deliver_at, one.name, timer.payload) if isinstance(e, Send)]
    assert bodies[0] == bodies[2] != bodies[1] == bodies[3]


@pytest.mark.parametrize("row", [np.array([np.nan, 0.0]), np.array([1e30, 0.0])])
def test_a_row_that_fixed_point_cannot_carry_is_silence(row: Any) -> None:
    one = byzantine()
    timer = wait_of(one, "prompt", row=row)
    assert told(one, timer.deliver_at, one.name, timer.payload) == []


def test_a_row_of_a_round_that_is_over_is_dropped() -> None:
    one = byzantine(rounds=2)
    told(one, 1000, ADVERSARY, SendRow(round_index=0, row=np.ones(2), timing="prompt"))
    assert told(one, 1010, one.name, Timer(ByzantineTimer.ROW_LEAVES, 0)) == []


def test_a_timer_of_another_actor_is_an_error() -> None:
    with pytest.raises(ValueError, match="is not a valid ProcessorTimer"):
        told(byzantine(), 5, "processor/0", Timer(AdversaryTimer.PATIENCE_ENDS, 0))


def test_a_row_that_waits_survives_a_snapshot() -> None:
    one, other = byzantine(), byzantine()
    timer = wait_of(one, "last_moment")
    other.restore(decode(encode(one.snapshot())))
    sent = [[encode(e.payload) for e in told(which, timer.deliver_at, "processor/0", timer.payload)
             if isinstance(e, Send)] for which in (one, other)]  # fmt: skip
    assert sent[0] == sent[1] != []
