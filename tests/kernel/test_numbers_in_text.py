"""Numbers as files write them."""

from __future__ import annotations

import pytest

from ceas_ray.kernel.numbers_in_text import is_number, whole_number


@pytest.mark.parametrize("text", ["1", " -2.5 ", ".5", "3.", "+1e-7", "inf", "-Infinity", "nan", "1E5"])
def test_decimal_numbers_infinity_and_nan_are_numbers(text: str) -> None:
    assert is_number(text)
    assert isinstance(float(text), float)


@pytest.mark.parametrize("text", ["", "1_000", "0x1f", "1,5", ".", "e5", "1e", "\u0661", "1 2"])
def test_what_files_of_numbers_do_not_hold_is_no_number(text: str) -> None:
    assert not is_number(text)


def test_a_whole_number_has_at_most_fifteen_digits() -> None:
    assert (whole_number(" -42 "), whole_number("9" * 15)) == (-42, 10**15 - 1)
    assert [whole_number(text) for text in ("9" * 16, "1.0", "1_0", "", "\u0663")] == [None] * 5
