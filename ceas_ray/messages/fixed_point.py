"""Updates travel in fixed point: whole units of 2^-40 per radian, so that every replica adds up the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

UNIT = 2.0**-40
LIMIT = 2.0**22


def to_fixed_point(row: NDArray[np.float64]) -> NDArray[np.int64]:
    """A gradient (d,), in 1/rad, as integers, rounded half to even; ValueError unless finite and |x| < 2^22."""
    if not np.all(np.isfinite(row)) or np.any(np.abs(row) >= LIMIT):
        raise ValueError("an update must be finite and below 2^22 in absolute value")
    return np.rint(row / UNIT).astype(np.int64)


def from_fixed_point(row: NDArray[Any]) -> NDArray[np.float64]:
    """The gradient behind the integers."""
    return np.asarray(row, dtype=np.float64) * UNIT
