"""Ranges of numbers, in the annotations of fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import pytest

from ceas_ray.kernel.ranges import Range, check_ranges


def test_a_range_has_its_bounds_unless_it_is_open_below() -> None:
    assert [value in Range(0, 1) for value in (-0.1, 0, 0.5, 1, 1.1)] == [False, True, True, True, False]
    assert 0 not in Range(0, 1, open_below=True)
    assert float("nan") not in Range(0, 1)


def test_infinity_lies_in_a_range_only_where_it_means_something() -> None:
    assert float("inf") not in Range(0, 1)
    assert float("inf") in Range(0, 1, infinity="no limit")
    assert float("-inf") not in Range(0, 1, infinity="no limit")


def test_a_range_says_its_unit_its_bounds_and_what_infinity_means() -> None:
    assert str(Range(0, 2.5, open_below=True, unit="seconds")) == "of seconds in (0, 2.5]"
    assert str(Range(0, 1_000_000, infinity="no limit")) == "in [0, 1000000], or inf (no limit)"


@dataclass
class Attenuated:
    length: Annotated[float, Range(0, 10, unit="kilometres")]
    modes: Annotated[int, Range(1, 4)] | None = None


@pytest.mark.parametrize(("fields", "message"), [
    ({"length": 11.0}, r"^length must be a number of kilometres in \[0, 10\], got 11\.0$"),
    ({"length": "3"}, r"^length must be a number .*, got '3'$"),
    ({"length": True}, r"^length must be a number .*, got True$"),
    ({"length": 1, "modes": 5}, r"^modes must be a number in \[1, 4\], got 5$"),
])  # fmt: skip
def test_the_first_field_out_of_its_range_is_named(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_ranges(Attenuated(**fields))


def test_none_fits_any_range() -> None:
    check_ranges(Attenuated(0.0, None))
