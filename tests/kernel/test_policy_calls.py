"""Calls of policies that may be anybody's own: one line names what went wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ceas_ray.kernel.policy_calls import PolicyError, called, read_only, real_numbers


class Own:
    """A policy of the user's own."""

    def failing(self) -> None:
        raise KeyError("two\nlines")

    def leaving(self) -> None:
        raise SystemExit(3)

    def adding(self, one: int, *, other: int) -> int:
        return one + other


NAME = r"tests\.kernel\.test_policy_calls\.Own"


def test_a_call_returns_what_the_method_returns() -> None:
    assert called(Own(), "adding", 1, other=2) == 3


def test_a_failure_is_one_line_with_the_method_the_error_and_where_it_happened() -> None:
    with pytest.raises(PolicyError, match=NAME + r"\.failing failed with KeyError: .* \(test_policy_calls\.py:\d+\)$"):
        called(Own(), "failing")


def test_a_policy_cannot_end_the_process() -> None:
    with pytest.raises(PolicyError, match=NAME + r"\.leaving failed with SystemExit: 3"):
        called(Own(), "leaving")


def test_a_refusal_is_only_what_policies_of_this_package_say() -> None:
    with pytest.raises(PolicyError) as caught:
        called(Own(), "failing")
    assert caught.value.refusal is None


@pytest.mark.parametrize(("returned", "shown"), [
    (np.zeros(3), r"shape \(3,\) of float64"),
    (np.array([1.0, np.nan]), r"shape \(2,\) of float64 with some that are not finite"),
    (np.array(["a", "b"]), r"shape \(2,\) of <U1"),
    ([[1.0], [1.0, 2.0]], r"\[\[1\.0\], \[1\.0, 2\.0\]\]"),
    (None, "None"),
    ([True, False], r"\[True, False\]"),
])  # fmt: skip
def test_what_is_not_finite_numbers_of_the_shape_is_refused_and_shown(returned: Any, shown: str) -> None:
    with pytest.raises(PolicyError, match=rf"^{NAME}\.m must return finite numbers of shape \(2,\), got {shown}$"):
        real_numbers(Own(), "m", returned, (2,))


def test_integers_become_floats_and_one_of_several_shapes_is_enough() -> None:
    found = real_numbers(Own(), "m", [[1], [2]], (2,), (2, 1))
    assert found.dtype == np.float64
    assert found.tolist() == [[1.0], [2.0]]
    assert np.isnan(real_numbers(Own(), "m", [np.nan], (1,), finite=False)).all()


def test_what_a_policy_is_shown_can_neither_be_changed_nor_made_changeable() -> None:
    original = np.zeros(2)
    shown = read_only(original)
    with pytest.raises(ValueError, match="read-only"):
        shown[0] = 1.0
    with pytest.raises(ValueError, match="cannot set WRITEABLE"):
        shown.setflags(write=True)
    original[0] = 5.0
    assert shown[0] == 0.0


@pytest.mark.parametrize("sign", [1, -1])
def test_numbers_whose_powers_are_not_finite_are_refused(sign: int) -> None:
    assert real_numbers(Own(), "m", [sign * 1e30], (1,)).tolist() == [sign * 1e30]
    assert real_numbers(Own(), "m", [sign * 1e300], (1,), finite=False).tolist() == [sign * 1e300]
    with pytest.raises(PolicyError, match=r"finite numbers of shape \(1,\), at most 1e\+30 in magnitude, got 1e\+300$"):
        real_numbers(Own(), "m", [sign * 1e300], (1,))
