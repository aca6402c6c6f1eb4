"""Which processors are Byzantine: placement is part of an attack."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray


def placed(
    placement: Literal["random", "best_links"],
    count: int,
    link_quality: NDArray[np.float64],
    generator: np.random.Generator,
) -> tuple[int, ...]:
    """Indices of `count` Byzantine processors, ascending: at random, or those whose links are best (N,)."""
    if placement == "best_links":
        chosen = np.argsort(-link_quality, kind="stable")[:count]
    else:
        chosen = generator.choice(len(link_quality), count, replace=False)
    return tuple(sorted(int(k) for k in chosen))
