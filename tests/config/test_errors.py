"""Errors of settings: one line that names the key, what it must be and what came."""

from __future__ import annotations

from typing import Any

import pytest

from ceas_ray.config.errors import NOTHING, SettingsError, UnusableSettings, blame_on, reason_of, shown


def test_an_error_names_the_key_what_it_must_be_and_what_came() -> None:
    assert str(SettingsError("seed", "a number in [1, 9]", "x")) == "seed must be a number in [1, 9], got 'x'"
    assert str(SettingsError("seed", "given", NOTHING)) == "seed must be given, got nothing"


def test_a_reason_of_the_simulator_stands_as_it_is_and_the_key_is_never_named_twice() -> None:
    assert str(UnusableSettings("network.rows", "there is\n no way")) == "network.rows: there is no way"
    assert str(UnusableSettings("network.rows", "network.rows must be 2")) == "network.rows must be 2"


@pytest.mark.parametrize(("value", "text"), [
    ("a\nb", "'a\\nb'"),
    (None, "null"),
    (True, "true"),
    (2**200, "an integer of 201 bits"),
    (list(range(101)), "list of 101 items"),
    ("x" * 300, "'" + "x" * 199 + "... (302 characters)"),
])  # fmt: skip
def test_what_came_is_shown_on_one_line_and_not_at_length(value: Any, text: str) -> None:
    assert shown(value) == text


def test_a_value_that_cannot_be_made_is_blamed_on_its_key() -> None:
    with pytest.raises(SettingsError, match=r"^links\.modes: there are none$"):
        blame_on("links.modes", lambda: (_ for _ in ()).throw(ValueError("there are none")))
    assert blame_on("links.modes", lambda: 3) == 3


def test_a_reason_repeats_neither_the_error_number_nor_the_path() -> None:
    assert reason_of(FileNotFoundError(2, "No such file or directory", "/x")) == "No such file or directory"
    assert reason_of(ValueError("too long")) == "too long"
