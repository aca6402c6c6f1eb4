"""What a Byzantine processor and its link say instead of what is true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ceas_ray.attacks.false_fidelity import FalseFidelity
from ceas_ray.attacks.truthful import Truthful
from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.envelope import Effect, Envelope, Send
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages import payloads
from ceas_ray.messages.payloads import HUB, TrapCircuitsAnswered
from ceas_ray.processors.false_announcements import FalseAnnouncements

COUNTS = np.array([90, 90, 90])
TRUE = payloads.TestOutcomes(round_index=2, processor=0, tested=COUNTS, announced=COUNTS, errors=COUNTS // 10)
ANSWERS = TrapCircuitsAnswered(round_index=2, processor=0, asked=100, answered=100, wrong=20)


class Saying(Actor):
    """Sends the hub what it is sent."""

    def __init__(self) -> None:
        self.name, self.lookahead, self.own_lookahead = "link/processor/0", 1, 1

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        return [Send(envelope.deliver_at + 1, HUB, envelope.payload)]


def said(payload: Any, announcer: Any, revealed: bool) -> Any:
    actor = FalseAnnouncements(Saying(), announcer, revealed, Streams(1))
    (sent,) = actor.handle(Envelope(deliver_at=1, sender="x", serial=0, receiver=actor.name, payload=payload))
    assert isinstance(sent, Send)
    return sent.payload


def test_after_the_hub_s_outcomes_were_seen_no_error_of_a_pair_is_shown() -> None:
    found = said(TRUE, FalseFidelity(1.0, 0.0), True)
    assert (found.announced.tolist(), found.errors.tolist()) == ([90] * 3, [0] * 3)
    assert (found.round_index, found.processor) == (2, 0)


def test_a_trap_circuit_is_never_known_to_be_one_even_where_outcomes_of_pairs_are() -> None:
    """All answers are guesses: half of them are wrong, whatever the tests of pairs reveal."""
    wrong = [said(ANSWERS, FalseFidelity(1.0, 0.0), revealed).wrong for revealed in (True, False)]
    assert wrong[0] == wrong[1]
    assert 30 <= wrong[0] <= 70


def test_withheld_answers_are_missing() -> None:
    found = said(ANSWERS, FalseFidelity(0.0, 1.0), False)
    assert (found.answered, found.wrong) == (0, 0)


def test_whatever_else_is_said_passes_unchanged() -> None:
    assert said(b"hello", FalseFidelity(1.0, 1.0), True) == b"hello"
    found = said(ANSWERS, Truthful(), False)
    assert (found.answered, found.wrong) == (100, 20)
