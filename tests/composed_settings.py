"""Settings for tests: the same words are composed once in a process, however often they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from functools import cache
from typing import Any

from ceas_ray.config.composition import composed


def composed_once(words: Sequence[str]) -> dict[str, Any]:
    """Return what `composed` returns, as a copy; for words that choose among the package's own files alone."""
    return deepcopy(_composed(tuple(words)))


@cache
def _composed(words: tuple[str, ...]) -> dict[str, Any]:
    return composed(words)
