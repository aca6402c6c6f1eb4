"""The fixed-point form in which updates travel."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.messages.fixed_point import LIMIT, UNIT, from_fixed_point, to_fixed_point


def test_a_radian_has_two_to_the_forty_units_and_halves_go_to_the_even_one() -> None:
    assert to_fixed_point(np.array([1.0, -0.5])).tolist() == [2**40, -(2**39)]
    assert to_fixed_point(np.array([0.5, 1.5, 2.5]) * UNIT).tolist() == [0, 2, 2]


def test_whole_units_come_back_to_the_bit() -> None:
    units = np.random.default_rng(1).integers(-(2**50), 2**50, 100)
    np.testing.assert_array_equal(to_fixed_point(from_fixed_point(units)), units)


@pytest.mark.parametrize("value", [np.nan, np.inf, LIMIT, -LIMIT])
def test_what_has_no_fixed_point_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="an update must be finite and below"):
        to_fixed_point(np.array([0.0, value]))
