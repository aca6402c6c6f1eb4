"""Routes at work, made in Python for compiled functions."""

from __future__ import annotations

import math

import pytest

from ceas_ray.links.engine.route import RouteModel
from ceas_ray.network.route import Swapping
from tests.network.hardware import HARDWARE

LEGS = [HARDWARE.link(1.0, 0.97), HARDWARE.link(4.0, 0.95)]


def test_a_leg_has_the_figures_of_its_link() -> None:
    model = RouteModel.of(LEGS, Swapping(0.98, purification_rounds=1))
    for row, link in zip(model.legs, LEGS, strict=True):
        assert (row["attempt_period"], row["modes"], row["rounds"]) == (link.attempt_period, link.modes, 1)
        assert row["inverse_log_failure"] == pytest.approx(1 / math.log(1 - link.success_probability))
        weights = link.birth_weights()
        assert row["zz"] == pytest.approx(weights[0] + weights[3] - weights[1] - weights[2])
        assert row["start_x"] == pytest.approx(link.decay.start.x * 1e-12)


def test_a_leg_lies_as_far_from_the_start_as_the_legs_before_it_are_long() -> None:
    assert RouteModel.of(LEGS, Swapping(0.98)).legs["place"].tolist() == [0, LEGS[0].latency]


def test_without_signalling_news_is_known_at_once() -> None:
    model = RouteModel.of(LEGS, Swapping(0.98), signalling=False)
    assert model.legs["latency"].tolist() == model.legs["place"].tolist() == [0, 0]


def test_links_rest_until_they_are_told_how_many_pairs_they_may_have() -> None:
    assert RouteModel.of(LEGS, Swapping(0.98)).sources["resting"].tolist() == [1, 1]
