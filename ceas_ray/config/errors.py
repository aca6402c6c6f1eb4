"""Errors of settings: one line that names the key, what it must be and what came."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")

_MAX_BITS, _MAX_ITEMS, _MAX_CHARACTERS, _MAX_REASON = 128, 100, 200, 600


class SettingsError(Exception):
    """A setting is wrong. The message names the key, what it must be, and what came."""

    def __init__(self, key: str, must: str, came: Any) -> None:
        super().__init__(key, must, came)
        self.key, self.must, self.came = key, must, came

    def __str__(self) -> str:
        return f"{shortened(self.key)} must be {self.must}, got {shown(self.came)}"


class UnusableSettings(SettingsError):
    """A setting is wrong for a reason that a part of the simulator gives, in a whole sentence."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(key, " ".join(reason.split()), None)
        self.args = (key, reason)

    def __str__(self) -> str:
        reason = self.must if len(self.must) <= _MAX_REASON else f"{self.must[:_MAX_REASON]}..."
        return reason if reason.startswith(self.key) else f"{self.key}: {reason}"


class _Nothing:
    def __repr__(self) -> str:
        return "nothing"


NOTHING = _Nothing()
"""The value of a key that was not given."""


def shown(value: Any) -> str:
    """Return the value on one line and not too long: as a command line has it (null, true), or else as Python does."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        return f"an integer of {value.bit_length()} bits"
    if isinstance(value, Mapping | list | tuple) and len(value) > _MAX_ITEMS:
        return f"{type(value).__name__} of {len(value)} items"
    return shortened(repr(value))


def shortened(text: str) -> str:
    """Return a text, of a long one the beginning and its length."""
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}... ({len(text)} characters)"


def blame_on(key: str, make: Callable[[], T]) -> T:
    """Return the result of `make`. Raises SettingsError for this key if it raises ValueError."""
    try:
        return make()
    except ValueError as error:
        raise UnusableSettings(key, str(error)) from None


def reason_of(error: Exception) -> str:
    """Return why something failed, without the error number and the path that an OSError repeats."""
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
