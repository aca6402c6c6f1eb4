"""Simulated time in whole picoseconds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.kernel.time import FOREVER, picoseconds, seconds


def test_a_second_has_a_million_million_picoseconds() -> None:
    assert (picoseconds(1.0), seconds(10**12)) == (10**12, 1.0)
    assert isinstance(picoseconds(1e-6), int)


@given(st.integers(0, 2**51))
def test_a_time_of_half_an_hour_survives_as_seconds(time: int) -> None:
    assert picoseconds(seconds(time)) == time


def test_forever_fits_a_signed_word_and_is_later_than_a_century() -> None:
    assert picoseconds(0.29 * 3.15e7) < FOREVER < 2**63
