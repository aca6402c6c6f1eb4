"""The fixed-point form in which updates travel: whole units of 2^-40 per radian, so that all replicas add the same
numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

UNIT = 2.0**-40
LIMIT = 2.0**22


def to_fixed_point(row: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return a gradient (d,), in 1/rad, as integers, rounded half to even.

    Raises ValueError unless all elements are finite and below 2^22 in absolute value.
    """
    if not np.all(np.isfinite(row)) or np.any(np.abs(row) >= LIMIT):
        raise ValueError("an update must be finite and below 2^22 in absolute value")
    return np.rint(row / UNIT).astype(np.int64)


def from_fixed_point(row: NDArray[Any]) -> NDArray[np.float64]:
    """Return the gradient (d,), in 1/rad, that these integers (d,) stand for."""
    return np.asarray(row, dtype=np.float64) * UNIT
