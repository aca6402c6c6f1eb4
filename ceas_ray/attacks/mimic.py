"""Mimic (Karimireddy, He, Jaggi, ICLR 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from ceas_ray.attacks.attack import Attack, AttackContext, Floats, Knowledge
from ceas_ray.kernel.ranges import Range


@dataclass(frozen=True)
class Mimic(Attack):
    """All colluders send the row of one processor that they know, always the same one, so that it counts f times more.

    target: its number among the known ones, modulo how many there are (the paper looks for the best one for some
    rounds; here it is given).
    """

    target: Annotated[int, Range(0, 1_000_000)]
    knowledge: Knowledge

    def __call__(self, seen: AttackContext, generator: np.random.Generator) -> Floats:
        """See `Attack`."""
        return seen.all_send(seen.known[self.target % len(seen.known)])
