"""False fidelity: lies about tested pairs, to gain weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ceas_ray.attacks.attack import Attack, Floats, Knowledge, Seen


@dataclass(frozen=True)
class FalseFidelity(Attack):
    """All colluders send -strength times the known mean, and lie in the tests of their pairs wherever that helps.

    Where outcomes are announced after the hub's were seen, a colluder shows no error at all. Where they are announced
    before, all it can do is guess, and a share `guessed` of its announcements is a guess: wrong every other time.
    """

    strength: float
    guessed: float
    knowledge: Knowledge

    def __call__(self, seen: Seen, generator: np.random.Generator) -> Floats:
        """See `Attack`."""
        return seen.all_send(-self.strength * np.mean(seen.known, axis=0))

    def announced_errors(
        self, announced: NDArray[np.int64], errors: NDArray[np.int64], revealed: bool, generator: np.random.Generator
    ) -> NDArray[np.int64]:
        """See `Attack`."""
        if revealed:
            return np.zeros_like(errors)
        right, wrong = generator.binomial(announced - errors, self.guessed), generator.binomial(errors, self.guessed)
        return errors - wrong + generator.binomial(right + wrong, 0.5)
