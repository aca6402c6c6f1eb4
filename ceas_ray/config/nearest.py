"""Find the known word that an unknown one probably means."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_LEAST_LIKENESS = 0.55
SYNONYMS = {
    "adversary": "attacks", "aggregator": "aggregation", "attack": "attacks", "attacker": "attacks",
    "caf": "covariance_filter", "clients": "processors.count", "cutoff": "useful_age_periods",
    "dataset": "training.data.name", "depth": "layers", "directory": "output", "dnc": "divide_and_conquer",
    "epochs": "rounds", "eta": "learning_rate", "fedavg": "mean", "folder": "output",
    "foolsgold": "similarity_discount", "graph": "network", "hardware": "links", "ipm": "inner_product",
    "iterations": "rounds", "lattice": "grid", "lp": "linear_program", "n": "count", "nodes": "processors.count",
    "num": "count", "number": "count", "outdir": "output", "policy": "scheduling", "qpus": "processors.count",
    "random_seed": "seed",
    "rfa": "geometric_median", "scheduler": "scheduling", "share": "fraction", "shots": "circuits_per_round",
    "size": "count", "step_size": "learning_rate", "steps": "rounds", "time": "wall_seconds",
    "time_limit": "wall_seconds", "timeout": "wall_seconds", "topology": "network", "verbose": "quiet",
    "workers": "processors.count",
}  # fmt: skip
"""Names that other tools use, with the names that the same things have here."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that this one probably means; None if none is similar.

    Tried in this order: a synonym, a word that it abbreviates, a word with the same parts and fewer or more of them,
    and the word with the most similar letters.
    """
    lowered = {name.lower(): name for name in known}
    word = word.lower().replace("-", "_")
    if word in lowered:
        return lowered[word]
    if SYNONYMS.get(word) in lowered:
        return lowered[SYNONYMS[word]]
    longer = [name for name in lowered if _abbreviates(word, name)]
    if longer:
        return lowered[min(longer, key=len)]
    same = _with_the_same_words(word, lowered)
    if same is not None:
        return lowered[same]
    found = difflib.get_close_matches(word, lowered, n=1, cutoff=_LEAST_LIKENESS)
    return lowered[found[0]] if found else None


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


def or_nearest(must: str, word: str, known: Iterable[str]) -> str:
    """Return what something must be, with the known word that was probably meant."""
    near = nearest(word, known)
    return must if near is None else f"{must} (did you mean {near}?)"
