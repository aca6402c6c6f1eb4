"""The random numbers of a scenario."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from ceas_ray.consensus.exploration.tapes import Tape, uniform_numbers

T = TypeVar("T")


class Draws:
    """Draws uniform numbers of one named stream in blocks, because a scenario asks for hundreds of single ones."""

    def __init__(self, numbers: int | Tape, purpose: str) -> None:
        """numbers: the seed of the stream, or a tape that has one for each purpose."""
        self.uniform = (
            numbers.reader(purpose) if isinstance(numbers, Tape) else uniform_numbers(numbers, purpose).__next__
        )

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
