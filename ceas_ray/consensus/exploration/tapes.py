"""Tapes: the random numbers of a scenario that follows another one up to a point and then goes its own way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import NamedTuple

import numpy as np

from ceas_ray.kernel.streams import Streams

_BLOCK = 512


class Piece(NamedTuple):
    """Numbers of the stream of this seed, from this index of a tape on."""

    start: int
    seed: int


class Tape:
    """Random numbers by purpose; number k of a tape is number k of the stream of one of its seeds."""

    def __init__(self, seed: int, pieces: dict[str, tuple[Piece, ...]] | None = None) -> None:
        """Make a tape.

        pieces: by purpose, what takes the place of the stream of `seed`, in increasing order of `start`.
        """
        self.seed, self._pieces = seed, dict(pieces or {})
        self.taken: dict[str, int] = {}
        """How many numbers a scenario has taken so far, by purpose."""

    def reader(self, purpose: str) -> Callable[[], float]:
        """Return a function that returns the next number."""
        return self._numbers(purpose).__next__

    def _numbers(self, purpose: str) -> Iterator[float]:
        pieces = (Piece(0, self.seed), *self._pieces.get(purpose, ()))
        ends = [piece.start for piece in pieces[1:]]
        taken = self.taken
        taken[purpose] = 0
        for piece, end in zip(pieces, [*ends, None], strict=True):
            for number in islice(uniform_numbers(piece.seed, purpose), piece.start, end):
                taken[purpose] += 1
                yield number

    def varied(self, purpose: str, seed: int, start: int, end: int | None = None) -> Tape:
        """Return a tape with other numbers from `start` on, up to `end`; None: for good."""
        before = self._pieces.get(purpose, ())
        pieces = [*(piece for piece in before if piece.start < start), Piece(start, seed)]
        if end is not None:
            resumed = next((piece.seed for piece in reversed(before) if piece.start <= end), self.seed)
            pieces += [Piece(end, resumed), *(piece for piece in before if piece.start > end)]
        return Tape(self.seed, self._pieces | {purpose: tuple(pieces)})


def uniform_numbers(seed: int, purpose: str) -> Iterator[float]:
    """Yield the uniform numbers of the stream of a seed, drawn in blocks."""
    generator = Streams(seed).generator("exploration", purpose, "draws", 0)
    return chain.from_iterable(_blocks(generator))


def _blocks(generator: np.random.Generator) -> Iterator[list[float]]:
    blocks: Iterator[list[float]] = iter(lambda: generator.random(_BLOCK).tolist(), None)
    return blocks


def seed_of(numbers: int | Tape) -> int:
    """Return the seed of a scenario, which is also that of a tape."""
    return numbers if isinstance(numbers, int) else numbers.seed
