"""Find the known word that an unknown one probably means."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping

_LIKENESS_OF_A_SLIP = 0.9
_MIN_LIKENESS, _MIN_LIKENESS_TO_A_SYNONYM = 0.55, 0.75
_NO_SYNONYMS: Mapping[str, str] = {}


def nearest(word: str, known: Iterable[str], synonyms: Mapping[str, str] = _NO_SYNONYMS) -> str | None:
    """Return the known word that this one probably means; None if none is similar.

    Tried in this order: the same word or a synonym, however its parts are joined; a word that it abbreviates; a word
    with the same parts and more of them, or fewer unless one with nearly the same letters is meant; the word or synonym
    with the most similar letters; a synonym with fewer or more parts. synonyms: known words by other words for them.
    """
    lowered = {name.lower().replace("-", "_"): name for name in known}
    word = word.lower().replace("-", "_")
    meanings = {other: lowered[ours] for other, ours in synonyms.items() if ours in lowered} | lowered
    joined = {_joined(other): ours for other, ours in meanings.items()}
    if word in meanings or _joined(word) in joined:
        return meanings.get(word, joined.get(_joined(word)))
    longer = [name for name in lowered if _abbreviates(word, name)]
    if longer:
        return lowered[min(longer, key=len)]
    same = _with_the_same_words(word, lowered)
    slip = difflib.get_close_matches(word, lowered, n=1, cutoff=_LIKENESS_OF_A_SLIP)
    if same is not None and slip and len(_words_of(same)) < len(_words_of(word)):
        return lowered[slip[0]]
    if same is not None:
        return lowered[same]
    found = difflib.get_close_matches(word, lowered, n=1, cutoff=_MIN_LIKENESS)
    other = difflib.get_close_matches(word, meanings, n=1, cutoff=_MIN_LIKENESS_TO_A_SYNONYM)
    closest = next(iter(other or found), None) or _with_the_same_words(word, meanings)
    return None if closest is None else meanings[closest]


def _joined(word: str) -> str:
    return re.sub(r"[_.]", "", word)


def _with_the_same_words(word: str, names: Iterable[str]) -> str | None:
    """Return a name whose parts are all in this word, or which has all parts of this word, perhaps abbreviated.

    A name that begins like the word is preferred, then the one with the fewest other parts.
    """
    words = _words_of(word)

    def others(name: str) -> tuple[bool, int]:
        return not name.startswith(word), len(_words_of(name))

    inside = [name for name in names if not word.startswith(f"{name}.")]  # a key does not mean its own group
    found = [name for name in inside if _has_all(_words_of(name), words) or _words_of(name) <= words]
    return min(found, key=others, default=None)


def _words_of(name: str) -> set[str]:
    return {part if len(part) < 4 else part.removesuffix("s") for part in re.split(r"[_.]", name)}


def _has_all(whole: set[str], words: set[str]) -> bool:
    """Return whether each word is in the whole, or, if it has at least three letters, begins a word there."""
    return all(any(part == word or (len(word) > 2 and part.startswith(word)) for part in whole) for word in words)


def _abbreviates(word: str, name: str) -> bool:
    """Return whether a word consists of the beginnings of all parts of a name, as jit does for just_in_time."""
    parts = name.split("_")
    beginnings = ["(?:" + "|".join(re.escape(part[:end]) for end in range(len(part), 0, -1)) + ")" for part in parts]
    return len(parts) > 1 and re.fullmatch("_?".join(beginnings), word) is not None


def or_nearest(must: str, word: str, known: Iterable[str], synonyms: Mapping[str, str] = _NO_SYNONYMS) -> str:
    """Return what something must be, with the known word that was probably meant; see `nearest`."""
    near = nearest(word, known, synonyms)
    return must if near is None else f"{must} (did you mean {near}?)"
