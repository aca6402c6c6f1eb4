"""The timeline of a scenario."""

from __future__ import annotations

from ceas_ray.consensus.exploration.timeline import Timeline


def test_events_happen_in_the_order_of_time_and_those_of_one_time_in_that_of_their_making() -> None:
    timeline = Timeline()
    for at, payload in ((2.0, "late"), (1.0, "first"), (1.0, "second"), (0.5, "early")):
        timeline.push(at, 0, "replica/1", payload)
    taken = [timeline.take() for _ in range(4)]
    assert [event[4] for event in taken] == ["early", "first", "second", "late"]
    assert timeline.now == 2.0
