"""The numbers of a summary, by dotted names, and how a person reads a number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def numbers_in(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield each number with its dotted name. Booleans and lists are left out."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from numbers_in(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{name}", float(value)


def readable(value: float, *, sign: bool = False) -> str:
    """Return a number as a person reads it: counts whole, thousands separated, others to four digits; "" for NaN."""
    if value != value:
        return ""
    plus = "+" if sign else ""
    if abs(value) >= 1000 or float(value).is_integer():
        return f"{value:{plus},.0f}"
    return f"{value:{plus}.4g}"
