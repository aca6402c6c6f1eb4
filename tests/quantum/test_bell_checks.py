"""Arguments of Bell-pair formulas: checked, or refused in one line."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from ceas_ray.quantum.bell_checks import (
    bell_weights,
    chances,
    fidelities,
    numbers,
    positive_times,
    probabilities,
    scalar_if_0d,
    times,
)


@pytest.mark.parametrize(("check", "good", "bad", "must"), [
    (fidelities, 0.25, 0.2, r"fidelity must lie in \[0\.25, 1\], got 0\.2"),
    (lambda v: probabilities("p", v), 0.0, 1.1, r"p must lie in \[0, 1\], got 1\.1"),
    (lambda v: chances("p", v), 1.0, 0.0, r"p must lie in \(0, 1\], got 0\.0"),
    (lambda v: times("age", v), math.inf, -1.0, r"age must not be negative, got -1\.0"),
    (lambda v: positive_times("T", v), math.inf, 0.0, r"T must be positive, got 0\.0"),
])  # fmt: skip
def test_a_value_out_of_range_is_named_with_its_bounds(check: Any, good: float, bad: float, must: str) -> None:
    assert check(good) == good
    for wrong in (bad, [good, bad]):
        with pytest.raises(ValueError, match=rf"^{must}$"):
            check(wrong)
    with pytest.raises(ValueError, match="got nan"):
        check(math.nan)


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^age must be a number or an array of numbers, got 'old'$"):
        numbers("age", "old")


@pytest.mark.parametrize(
    "weights", [[0.5, 0.5], [0.5, 0.5, 0.5, -0.5], [0.5, 0.5, 0.1, 0.0], [[1, 0, 0, 0], [2, 0, 0, 0]]]
)
def test_weights_are_four_that_sum_to_one(weights: Any) -> None:
    with pytest.raises(ValueError, match="must be four numbers >= 0 that sum to 1"):
        bell_weights(weights)
    assert bell_weights([0.7, 0.1, 0.1, 0.1]).shape == (4,)


def test_numbers_give_numbers_and_arrays_give_arrays() -> None:
    assert isinstance(scalar_if_0d(np.array(0.5)), float)
    assert scalar_if_0d(np.array([0.5])).shape == (1,)
