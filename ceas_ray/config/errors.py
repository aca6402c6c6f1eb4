"""Errors of settings: one line that names the key, what it must be and what came."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class SettingsError(Exception):
    """A setting is wrong: which key, what it must be, what came."""

    def __init__(self, key: str, must: str, came: Any) -> None:
        super().__init__(key, must, came)
        self.key, self.must, self.came = key, must, came

    def __str__(self) -> str:
        return f"{self.key} must be {self.must}, got {self.came!r}"


def or_refuse(key: str, make: Callable[[], T]) -> T:
    """What `make` makes; SettingsError for this key if it raises ValueError."""
    try:
        return make()
    except ValueError as error:
        raise SettingsError(key, "usable", str(error)) from None
