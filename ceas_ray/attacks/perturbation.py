"""Directions in which min-max and min-sum leave the mean (Shejwalkar and Houmansadr, NDSS 2021)."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from ceas_ray.attacks.attack import Floats

Direction = Literal["std", "unit", "sign"]


def check_direction(direction: str) -> None:
    """ValueError unless it is one of the three."""
    if direction not in get_args(Direction):
        raise ValueError(f"direction must be one of {', '.join(get_args(Direction))}, got {direction!r}")


def perturbation(rows: Floats, direction: Direction) -> Floats:
    """The paper's three: minus the deviation of each coordinate, minus the unit mean, or minus its signs, (d,)."""
    mean = np.mean(rows, axis=0)
    if direction == "std":
        return -np.std(rows, axis=0)
    if direction == "sign":
        return -np.sign(mean)
    return -mean / max(float(np.linalg.norm(mean)), 1e-300)


def pairwise_squared_distances(rows: Floats) -> Floats:
    """(n, n), by differences."""
    return np.stack([np.einsum("kd,kd->k", rows - row, rows - row) for row in rows])
