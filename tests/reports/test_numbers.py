"""The numbers in nested mappings."""

from __future__ import annotations

import math

from ceas_ray.reports.numbers import numbers_in


def test_numbers_have_dotted_names_and_whatever_is_no_number_is_left_out() -> None:
    values = {"a": 1, "b": {"c": 2.5, "d": {"e": math.inf}, "f": True, "g": "3"}, "h": [4], "i": None}
    assert list(numbers_in(values)) == [("a", 1.0), ("b.c", 2.5), ("b.d.e", math.inf)]
