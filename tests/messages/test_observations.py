"""What actors observe for the journal."""

from __future__ import annotations

from ceas_ray.messages.observations import SecondsByCause


def test_seconds_are_listed_by_the_names_of_their_causes() -> None:
    seconds = SecondsByCause(shots=1.0, tests=2.0, keys=3.0, update=4.0, consensus=5.0, planning=6.0)
    assert seconds.by_name() == {
        "shots": 1.0, "tests": 2.0, "keys": 3.0, "update": 4.0, "consensus": 5.0, "planning": 6.0,
    }  # fmt: skip
