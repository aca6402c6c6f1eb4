"""The word that somebody meant who wrote another one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_LEAST_LIKENESS = 0.55


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that this one abbreviates, or else the one that is most like it; None if none is."""
    lowered = {name.lower(): name for name in known}
    longer = [name for name in lowered if _abbreviates(word.lower(), name)]
    if longer and word.lower() not in lowered:
        return lowered[min(longer, key=len)]
    found = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=_LEAST_LIKENESS)
    return lowered[found[0]] if found else None


def _abbreviates(word: str, name: str) -> bool:
    """Return whether a word is put together from the beginnings of all parts of a name: jit for just_in_time."""
    parts = name.split("_")
    beginnings = ["(?:" + "|".join(re.escape(part[:end]) for end in range(len(part), 0, -1)) + ")" for part in parts]
    return len(parts) > 1 and re.fullmatch("_?".join(beginnings), word) is not None


def or_nearest(must: str, word: str, known: Iterable[str]) -> str:
    """Return what something must be, with the word that was perhaps meant."""
    near = nearest(word, known)
    return must if near is None else f"{must} (did you mean {near}?)"
