"""Which processors are Byzantine: placement is part of an attack."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Placement = Literal["random", "best_links", "worst_links"]


def place_colluders(
    placement: Placement, count: int, link_quality: NDArray[np.float64], generator: np.random.Generator
) -> tuple[int, ...]:
    """Return the indices of `count` Byzantine processors, ascending: at random, or those whose links are best or worst
    (N,).
    """
    if placement == "random":
        chosen = generator.choice(len(link_quality), count, replace=False)
    else:
        sign = -1.0 if placement == "best_links" else 1.0
        chosen = np.argsort(sign * link_quality, kind="stable")[:count]
    return tuple(sorted(int(k) for k in chosen))
