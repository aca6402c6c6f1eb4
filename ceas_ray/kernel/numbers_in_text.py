"""Numbers as files write them: digits with a point and an exponent, inf and nan; no underscores, no other digits."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"\s*[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf|infinity|nan)\s*", re.IGNORECASE)
_WHOLE = re.compile(r"\s*[+-]?[0-9]{1,15}\s*")


def is_number(text: str) -> bool:
    """Return whether the text is a number, perhaps infinite or nan."""
    return _NUMBER.fullmatch(text) is not None


def whole_number(text: str) -> int | None:
    """Return the whole number that the text is, of at most 15 digits, or None for any other text."""
    return int(text) if _WHOLE.fullmatch(text) else None
