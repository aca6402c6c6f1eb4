"""Learning-rate schedules."""

from __future__ import annotations

import pytest

from ceas_ray.training.learning_rate import LearningRate


def test_the_cosine_goes_from_its_beginning_to_its_end() -> None:
    rate = LearningRate(1.0, 0.1, "cosine", 11)
    assert (rate(0), rate(5), rate(10)) == (1.0, pytest.approx(0.55), pytest.approx(0.1))


def test_a_constant_rate_stays_and_a_cosine_stays_at_its_end() -> None:
    assert {LearningRate(0.3, 0.1, "constant", 5)(t) for t in range(9)} == {0.3}
    assert LearningRate(1.0, 0.1, "cosine", 5)(20) == pytest.approx(0.1)


def test_a_single_round_has_the_initial_rate() -> None:
    assert LearningRate(1.0, 0.1, "cosine", 1)(0) == 1.0
