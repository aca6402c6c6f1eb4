"""The error of an invariant that does not hold."""

from __future__ import annotations

from ceas_ray.consensus.exploration.violation import Violation


def test_a_violation_says_which_invariant_and_who_did_what() -> None:
    error = Violation("agreement", "replicas 1 and 2 decided differently")
    assert str(error) == "agreement: replicas 1 and 2 decided differently"
    assert error.invariant == "agreement"
