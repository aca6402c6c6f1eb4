"""Arrays as the engines' compiled code takes them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def shaped(name: str, array: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the array as contiguous float64; raises ValueError, which says its name, unless it has this shape."""
    if np.shape(array) != shape:
        raise ValueError(f"{name} must have shape {shape}, got {np.shape(array)}")
    return np.ascontiguousarray(array, np.float64)
