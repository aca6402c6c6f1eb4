"""The random numbers of a scenario."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TypeVar

import numpy as np

from ceas_ray.kernel.streams import Streams

T = TypeVar("T")
_BLOCK = 512


class Draws:
    """Draws uniform numbers of one named stream in blocks, because a scenario asks for hundreds of single ones."""

    def __init__(self, seed: int, purpose: str) -> None:
        self.uniform = _numbers(Streams(seed).generator("exploration", purpose, "draws", 0)).__next__

    def below(self, limit: int) -> int:
        """Return an integer in 0 .. limit - 1."""
        return int(self.uniform() * limit)

    def choice(self, options: Sequence[T]) -> T:
        """Return one of these options."""
        return options[int(self.uniform() * len(options))]

    def sample(self, limit: int, size: int) -> tuple[int, ...]:
        """Return `size` different integers below `limit`, in increasing order."""
        rest = list(range(limit))
        return tuple(sorted(rest.pop(self.below(len(rest))) for _ in range(size)))


def _numbers(generator: np.random.Generator) -> Iterator[float]:
    blocks: Iterator[list[float]] = iter(lambda: generator.random(_BLOCK).tolist(), None)
    return chain.from_iterable(blocks)
