"""Which actor may send what."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ceas_ray.kernel.envelope import Envelope, WorkDone
from ceas_ray.messages import payloads
from ceas_ray.messages.payloads import (
    DRIVER,
    ENTANGLEMENT_MANAGER,
    HUB,
    Begin,
    PairsTested,
    StopWaiting,
    processor_link_name,
)
from ceas_ray.messages.senders import may_send

COUNTS = np.zeros(3)


def allowed(sender: str, payload: Any, receiver: str = "processor/1") -> bool:
    return may_send(Envelope(deliver_at=1, sender=sender, serial=0, receiver=receiver, payload=payload))


def test_only_the_driver_begins_a_run() -> None:
    assert allowed(DRIVER, Begin())
    assert not allowed(HUB, Begin())


@pytest.mark.parametrize("payload", [PairsTested(round_index=0, tested=COUNTS, errors=COUNTS), StopWaiting(0)])
def test_only_the_manager_and_the_hub_are_trusted_with_the_course_of_a_round(payload: Any) -> None:
    assert allowed(HUB, payload)
    assert allowed(ENTANGLEMENT_MANAGER, payload)
    assert not allowed("replica/0", payload)
    assert not allowed("processor/1", payload)


def test_only_an_actor_itself_is_told_that_its_work_is_done() -> None:
    assert allowed("processor/1", WorkDone("gradient", None))
    assert not allowed("processor/2", WorkDone("gradient", None))


@pytest.mark.parametrize("named", [2, True, 1.0, "1", None])
def test_a_link_speaks_of_its_own_processor_alone(named: Any) -> None:
    def outcomes(processor: Any) -> payloads.TestOutcomes:
        return payloads.TestOutcomes(round_index=0, processor=processor, tested=COUNTS, announced=COUNTS, errors=COUNTS)

    assert allowed(processor_link_name(1), outcomes(1), HUB)
    assert not allowed(processor_link_name(1), outcomes(named), HUB)


def test_what_belongs_to_no_conversation_may_be_sent_by_nobody() -> None:
    assert not allowed(HUB, {"round_index": 0})
    assert not allowed("processor/1", None)
