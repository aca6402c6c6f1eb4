"""The word that somebody meant who wrote another one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LEAST_LIKENESS = 0.55


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is most like this one; None if none is like it."""
    lowered = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=_LEAST_LIKENESS)
    return lowered[found[0]] if found else None


def or_nearest(must: str, word: str, known: Iterable[str]) -> str:
    """Return what something must be, with the word that was perhaps meant."""
    near = nearest(word, known)
    return must if near is None else f"{must} (did you mean {near}?)"
