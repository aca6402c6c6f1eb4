"""Errors of a simulation."""

from __future__ import annotations

import pickle

from ceas_ray.kernel.errors import SimulationError


def test_an_error_names_the_actor_the_simulated_time_in_seconds_and_the_cause() -> None:
    error = SimulationError("hub", 1_500_000_000_000, "KeyError: 3")
    assert str(error) == "hub failed at 1.500000000 s of simulated time: KeyError: 3"


def test_an_error_crosses_a_process_with_all_that_it_says() -> None:
    error = SimulationError("hub", 7, "KeyError: 3")
    crossed = pickle.loads(pickle.dumps(error))
    assert (crossed.actor, crossed.time, crossed.cause) == ("hub", 7, "KeyError: 3")
