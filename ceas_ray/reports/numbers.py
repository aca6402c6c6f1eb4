"""The numbers in nested mappings, by dotted names: those of a summary in tables, and in MLflow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def numbers_in(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield each number with its dotted name; what is true or false is no number, and lists are left out."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from numbers_in(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{name}", float(value)
