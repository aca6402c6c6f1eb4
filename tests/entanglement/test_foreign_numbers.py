"""What Byzantine parties may tell the hub and the entanglement manager: nothing that moves more than their own."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.entanglement.hub import Hub, HubTimer
from ceas_ray.entanglement.round_controller import ControllerTimer, RoundController
from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.envelope import Envelope, Mark, Observation
from ceas_ray.messages import payloads
from ceas_ray.messages.consensus_payloads import RoundDecided
from ceas_ray.messages.payloads import ENTANGLEMENT_MANAGER, HUB, RoundStarted, Timer, TrapCircuitsAnswered
from tests.entanglement.parts import without_progress
from tests.messages.decisions import a_decision
from tests.messages.garbage import ANYTHING, BYZANTINE, MESSAGES, of_type
from tests.small_worlds import small_world

TRUE = a_decision(15, processors=(0, 1), weights=np.ones(2), key_bits=np.full((2, 15), 900))


@pytest.fixture(scope="module")
def manager() -> RoundController:
    """Of a committee of 7 and 8 processors."""
    return small_world().manager


@pytest.fixture(autouse=True)
def running(manager: RoundController) -> None:
    restart(manager)


def restart(manager: RoundController) -> None:
    manager.progress.plan(0)
    manager.progress.begin()


def report(manager: RoundController, sender: str, payload: Any) -> list[Any]:
    """What comes of it, apart from what the driver is told of the round that goes on."""
    return without_progress(
        manager.handle(
            Envelope(deliver_at=10**12, sender=sender, serial=0, receiver=ENTANGLEMENT_MANAGER, payload=payload)
        )
    )


def end_of_round(manager: RoundController, lies: list[tuple[str, Any]]) -> tuple[Any, Any]:
    """The observation and the mark when five honest members report the truth after what two others said."""
    for sender, lie in lies:
        assert report(manager, sender, lie) == []
    effects = [effect for j in range(5) for effect in report(manager, f"replica/{j}", TRUE)]
    (seen,) = [effect for effect in effects if isinstance(effect, Observation)]
    (mark,) = [effect for effect in effects if isinstance(effect, Mark)]
    return seen.payload, mark


@pytest.mark.parametrize("view", [1, 8, 10**6, 2**62, 2**70, -1, True, 1.0, float("nan"), "x"])
def test_the_view_of_a_decision_is_one_that_an_honest_member_named(manager: RoundController, view: Any) -> None:
    """The largest of all was taken: one liar's cost eight views of keys in every round."""
    lies = [(f"replica/{j}", replace(TRUE, view=view)) for j in (5, 6)]
    seen, _ = end_of_round(manager, lies)
    assert seen.view == manager.progress.state.view == 0


@pytest.mark.parametrize(
    "lie",
    [{"model": np.ones(3)}, {"model": np.full(3, np.nan)}, {"weights": np.full(2, 9.0)}, {"processors": (5, 6)},
     {"quarantined": (0,)}, {"skipped": True}, {"skipped": 0}, {"processors": (False, 1)}, {"model": "x"}],
)  # fmt: skip
def test_what_a_liar_adds_to_the_right_digest_is_not_taken(manager: RoundController, lie: dict[str, Any]) -> None:
    """The last report was taken whole: its digest was right, and its model went into the results."""
    for j in range(4):
        assert report(manager, f"replica/{j}", TRUE) == []
    for j in (5, 6):
        assert report(manager, f"replica/{j}", replace(TRUE, **lie)) == []
    effects = report(manager, "replica/4", TRUE)
    (mark,) = [effect for effect in effects if isinstance(effect, Mark)]
    assert encode(mark.model) == encode(TRUE.model)


def test_reports_of_strangers_and_second_reports_do_not_count(manager: RoundController) -> None:
    for stranger in ("replica/7", "replica/77", "replica/-1", "processor/0", "adversary", "replica/0x", HUB):
        for _ in range(5):
            assert report(manager, stranger, TRUE) == []
    for _ in range(9):
        assert report(manager, "replica/0", TRUE) == []


@pytest.mark.parametrize("far", [1, 10**6, 2**62, -1, False, 0.0, None])
def test_a_report_of_another_round_moves_nothing(manager: RoundController, far: Any) -> None:
    before = encode(manager.snapshot())
    for j in range(7):
        assert report(manager, f"replica/{j}", replace(TRUE, round_index=far)) == []
    assert encode(manager.snapshot()) == before


def test_nobody_else_sets_the_timers_of_the_manager_or_the_hub(manager: RoundController) -> None:
    before = encode(manager.snapshot())
    for purpose in ControllerTimer:
        for number in (0, 1, 10**6):
            assert report(manager, "replica/6", Timer(purpose, number, number)) == []
    assert encode(manager.snapshot()) == before
    hub = Hub(2, 1, half_life_rounds=5.0, delay=1)
    assert (
        hub.handle(
            Envelope(deliver_at=5, sender="replica/0", serial=0, receiver=HUB, payload=Timer(HubTimer.PLAN_ENDS, 0))
        )
        == []
    )


ABOUT_ROUND = of_type(RoundDecided) | st.sampled_from([field.name for field in fields(RoundDecided)]).flatmap(
    lambda name: ANYTHING.map(lambda value: replace(TRUE, **{name: value}))
)


@settings(max_examples=200)
@given(
    st.lists(st.tuples(BYZANTINE, MESSAGES), max_size=6),
    st.lists(st.tuples(st.sampled_from(["replica/5", "replica/6"]), ABOUT_ROUND), max_size=6),
)
def test_whatever_byzantine_parties_report_the_round_ends_as_honest_members_say(
    manager: RoundController, said: Any, reported: Any
) -> None:
    restart(manager)
    seen, mark = end_of_round(manager, [*said, *reported])
    assert encode(mark.model) == encode(TRUE.model)
    assert seen.processors == (0, 1)
    assert seen.view == 0


# --- the hub ----------------------------------------------------------


def hub_in_round(round_index: int) -> Hub:
    hub = Hub(3, 1, half_life_rounds=5.0, delay=1, asked=20)
    hub.handle(
        Envelope(
            deliver_at=1,
            sender=ENTANGLEMENT_MANAGER,
            serial=0,
            receiver=HUB,
            payload=RoundStarted(
                round_index=round_index, plan_ends_at=9, inputs_open_until=9, inputs_time_out_at=9, key_bits=np.zeros(0)
            ),
        )
    )
    return hub


def counted(hub: Hub) -> tuple[list[list[float]], list[list[float]]]:
    return hub.state.new_tested.tolist(), hub.state.new_errors.tolist()


ANSWER = ("round_index", "processor", "asked", "answered", "wrong")


@pytest.mark.parametrize(
    "given",
    [
        TrapCircuitsAnswered(**dict(zip(ANSWER, numbers, strict=True))) for numbers in (
            (0, 1, 10**9, 10**9, 0), (0, 1, 20, 20, -5), (0, 1, 20, 21, 0), (0, 1, 20, 10, 11), (1, 1, 20, 20, 0),
            (10**6, 1, 20, 20, 0), (0, 0, 20, 0, 0), (0, -1, 20, 20, 0), (0, 1, 20, 20.0, 0),
            (0, 1, 20, 20, float("nan")), (0, True, 20, 20, 0),
        )
    ],
)  # fmt: skip
def test_answers_that_cannot_be_or_are_for_another_are_not_counted(given: TrapCircuitsAnswered) -> None:
    hub = hub_in_round(0)
    hub.handle(Envelope(deliver_at=2, sender="processor/1", serial=0, receiver=HUB, payload=given))
    assert counted(hub) == (np.zeros((3, 4)).tolist(),) * 2


def test_answers_count_once_a_round_whatever_round_they_name() -> None:
    hub = hub_in_round(2)
    for round_index in (2, 2, 1, 0, 3, 2):
        hub.handle(
            Envelope(
                deliver_at=2,
                sender="processor/1",
                serial=0,
                receiver=HUB,
                payload=TrapCircuitsAnswered(round_index=round_index, processor=1, asked=10, answered=8, wrong=1),
            )
        )
    assert (hub.state.new_tested[1, 3], hub.state.new_errors[1, 3]) == (10, 3)


@pytest.mark.parametrize("odd", [np.full(3, 200), np.full(3, -7), np.full(3, np.nan), np.zeros(2, int), None, "x", 5])
def test_an_announcement_that_cannot_be_is_none_and_counts_as_errors(odd: Any) -> None:
    tested = np.full(3, 100)
    for announced, errors in ((odd, np.zeros(3, int)), (tested, odd)):
        hub = hub_in_round(0)
        hub.handle(
            Envelope(
                deliver_at=2,
                sender="link/processor/1",
                serial=0,
                receiver=HUB,
                payload=payloads.TestOutcomes(
                    round_index=0, processor=1, tested=tested, announced=announced, errors=errors
                ),
            )
        )
        assert hub.state.new_tested[1, :3].tolist() == [100] * 3
        assert (hub.state.new_errors >= 0).all()
        assert (hub.state.new_errors <= hub.state.new_tested).all()
        if announced is odd:
            assert hub.state.new_errors[1, :3].tolist() == [100] * 3


@pytest.mark.slow
@settings(max_examples=200)
@given(st.lists(st.tuples(BYZANTINE, MESSAGES | of_type(TrapCircuitsAnswered)), max_size=8))
def test_whatever_byzantine_parties_tell_the_hub_others_do_not_pay_for(said: Any) -> None:
    hub = hub_in_round(0)
    for sender, payload in said:
        assert hub.handle(Envelope(deliver_at=2, sender=sender, serial=0, receiver=HUB, payload=payload)) == []
    for who in (0, 2):
        assert not hub.state.new_tested[who].any()
        assert not hub.state.new_errors[who].any()
    assert (hub.state.new_errors <= hub.state.new_tested).all()
