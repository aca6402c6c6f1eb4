"""False fidelity: lies about tested pairs, to gain weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from ceas_ray.attacks.announcements import Announcements
from ceas_ray.kernel.ranges import Range


@dataclass(frozen=True)
class FalseFidelity:
    """Colluders lie in the tests of their pairs wherever that helps.

    Where outcomes are announced after the hub's were seen, a colluder shows no error at all. Where they are announced
    before, all it can do is guess or keep silent: of its outcomes a share `withheld` is not announced, which the hub
    counts as errors, and of the rest a share `guessed` is a guess, wrong every other time. Trap circuits are announced
    in the same way.
    """

    guessed: Annotated[float, Range(0, 1)]
    withheld: Annotated[float, Range(0, 1)]

    def announce(self, tests: Announcements, revealed: bool, generator: np.random.Generator) -> Announcements:
        """See `Announcer`."""
        if revealed:
            return Announcements(tests.announced, np.zeros_like(tests.errors))
        announced = 1 - self.withheld
        right, wrong = (
            generator.binomial(tests.announced - tests.errors, announced),
            generator.binomial(tests.errors, announced),
        )
        guessed_right, guessed_wrong = generator.binomial(right, self.guessed), generator.binomial(wrong, self.guessed)
        errors = wrong - guessed_wrong + generator.binomial(guessed_right + guessed_wrong, 0.5)
        return Announcements(right + wrong, errors)
