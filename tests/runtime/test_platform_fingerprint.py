"""Machines that compute other bits are told by their fingerprints."""

from __future__ import annotations

from ceas_ray.runtime.platform_fingerprint import first_difference, platform_fingerprint


def test_two_fingerprints_name_the_first_difference() -> None:
    answers = platform_fingerprint()
    assert first_difference(answers, platform_fingerprint()) is None
    assert first_difference(answers, answers | {"exp": "0"}) == f"exp: 0 instead of {answers['exp']}"


def test_a_library_that_one_machine_lacks_is_a_difference() -> None:
    assert first_difference({"numpy": "2.0", "qiskit": "2.1"}, {"numpy": "2.0"}) == "qiskit: None instead of 2.1"
