"""Directions that attacks measure rows along."""

from __future__ import annotations

import numpy as np

from ceas_ray.attacks.attack import Floats


def unit(vector: Floats) -> Floats:
    """Return a vector (d,) at length 1; the zero vector stays as it is."""
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else vector


def farthest_along(rows: Floats, direction: Floats, count: int) -> Floats:
    """Return the `count` rows (at most all) that lie farthest along a direction (d,), the farthest first.

    Ties go to the lower row.
    """
    return rows[np.argsort(-(rows @ direction), kind="stable")[:count]]


def scattered(rows: Floats) -> Floats:
    """Return what noise rows (n, d) have: their deviations from their mean."""
    return rows - np.mean(rows, axis=0)
