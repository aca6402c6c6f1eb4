"""The numbers in nested mappings, and how a person reads one."""

from __future__ import annotations

import math

from ceas_ray.reports.numbers import numbers_in, readable


def test_numbers_have_dotted_names_and_whatever_is_no_number_is_left_out() -> None:
    values = {"a": 1, "b": {"c": 2.5, "d": {"e": math.inf}, "f": True, "g": "3"}, "h": [4], "i": None}
    assert list(numbers_in(values)) == [("a", 1.0), ("b.c", 2.5), ("b.d.e", math.inf)]


def test_counts_are_read_whole_with_separators_and_other_numbers_to_four_digits() -> None:
    given = [628_170.0, 628_200, 3.0, 1.0, 0.509259, 12345.6, 0.0000123, math.nan, -0.25]
    read = ["628,170", "628,200", "3", "1", "0.5093", "12,346", "1.23e-05", "", "-0.25"]
    assert [readable(value) for value in given] == read
    assert [readable(value, sign=True) for value in (0.05, -2000.0)] == ["+0.05", "-2,000"]
