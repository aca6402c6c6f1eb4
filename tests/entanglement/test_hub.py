"""Certification by the hub: what a processor does not announce counts against it, and the window forgets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.entanglement.hub import Hub
from ceas_ray.kernel.envelope import Envelope, Send
from ceas_ray.messages import payloads
from ceas_ray.messages.payloads import HUB, PairsTested, RoundStarted, processor_link_name, processor_name
from ceas_ray.training.next_state import certified_werner_bounds


def report_of(
    hub: Hub, round_index: int, *outcomes: payloads.TestOutcomes | payloads.TrapCircuitsAnswered
) -> payloads.TestReport:
    """One round at the hub."""
    schedule = RoundStarted(
        round_index=round_index, plan_ends_at=9, inputs_open_until=9, inputs_time_out_at=9, key_bits=np.zeros(0)
    )
    hub.handle(Envelope(deliver_at=1, sender="entanglement_manager", serial=0, receiver=HUB, payload=schedule))
    for outcome in outcomes:
        tells = processor_link_name if isinstance(outcome, payloads.TestOutcomes) else processor_name
        assert (
            hub.handle(Envelope(deliver_at=2, sender=tells(outcome.processor), serial=0, receiver=HUB, payload=outcome))
            == []
        )
    (timer,) = hub.handle(
        Envelope(deliver_at=3, sender="entanglement_manager", serial=0, receiver=HUB, payload=schedule)
    )
    assert isinstance(timer, Send)
    effects = hub.handle(Envelope(deliver_at=9, sender=HUB, serial=0, receiver=HUB, payload=timer.payload))
    (report,) = [e.payload for e in effects if isinstance(e, Send) and isinstance(e.payload, payloads.TestReport)]
    assert sum(1 for e in effects if isinstance(e, Send) and isinstance(e.payload, PairsTested)) == 2
    return report


def outcomes(tested: int, announced: int, errors: int) -> payloads.TestOutcomes:
    return payloads.TestOutcomes(
        round_index=0,
        processor=0,
        tested=np.full(3, tested),
        announced=np.full(3, announced),
        errors=np.full(3, errors),
    )


@given(tested=st.integers(1, 2000), share=st.floats(0, 1), rate=st.floats(0, 0.4))
def test_silence_never_helps(tested: int, share: float, rate: float) -> None:
    announced = int(share * tested)
    honest = report_of(Hub(2, 1, half_life_rounds=5.0, delay=1), 0, outcomes(tested, tested, int(rate * tested)))
    silent = report_of(Hub(2, 1, half_life_rounds=5.0, delay=1), 0, outcomes(tested, announced, int(rate * announced)))
    assert np.array_equal(honest.tested, silent.tested)
    assert (silent.errors >= honest.errors).all()
    assert (silent.errors[0] >= tested - announced).all()
    assert (silent.errors[1] == 0).all(), "another processor's link paid for it"


@given(asked=st.integers(1, 500), share=st.floats(0, 1), rate=st.floats(0, 0.4))
def test_an_answer_withheld_is_wrong_and_tests_of_pairs_are_counted_apart(
    asked: int, share: float, rate: float
) -> None:
    answered = int(share * asked)
    given = payloads.TrapCircuitsAnswered(
        round_index=0, processor=1, asked=asked, answered=answered, wrong=int(rate * answered)
    )
    report = report_of(Hub(2, 1, half_life_rounds=5.0, delay=1, asked=500), 0, outcomes(100, 100, 7), given)
    assert report.tested.tolist() == [[100, 100, 100, 0], [0, 0, 0, asked]]
    assert report.errors[0].tolist() == [7, 7, 7, 0]
    assert report.errors[1, 3] == asked - answered + int(rate * answered) >= int(rate * asked)
    later = report_of(Hub(2, 1, half_life_rounds=5.0, delay=1), 0, outcomes(100, 100, 7))
    assert later.tested.shape == later.errors.shape == (2, 3), "what is not asked leaves a trace"


def test_the_window_forgets_half_after_its_half_life() -> None:
    hub = Hub(2, 1, half_life_rounds=5.0, delay=1)
    first = report_of(hub, 0, outcomes(400, 400, 400))
    for round_index in range(1, 6):
        last = report_of(hub, round_index)
    assert last.errors[0] == pytest.approx(first.errors[0] / 2)


def test_a_certificate_is_a_lower_bound_at_the_stated_confidence() -> None:
    draw = np.random.default_rng(5)
    tested, rate = 1000, 0.05
    errors = draw.binomial(tested, rate, 4000).astype(float)
    _, lower = certified_werner_bounds(np.full(4000, float(tested)), errors, 0.95)
    above = float(np.mean(lower <= 1 - 2 * rate))
    assert 0.93 < above < 0.98
