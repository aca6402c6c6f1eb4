"""What an attack is."""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Knowledge = Literal["colluders", "omniscient"]


class Attack(Protocol):
    """Makes the colluders' rows (f, d) from their honest ones (f, d) and, if omniscient, from the others' (h, d)."""

    knowledge: Knowledge

    def __call__(self, own: Floats, honest: Floats, population: int, generator: np.random.Generator) -> Floats:
        """The rows to send, in the order of `own`; honest has no rows where it is not known."""


def known(own: Floats, honest: Floats) -> Floats:
    """The honest rows to imitate or oppose: those of the honest if they are seen, else the colluders' own."""
    return honest if len(honest) else own


def bounded(rows: Floats) -> Floats:
    """Within what fixed point can carry."""
    return np.clip(rows, -(2.0**21), 2.0**21)
