"""Rows that one can aggregate by hand: four honest ones about (2, 20) and an outlier."""

from __future__ import annotations

import numpy as np

ROWS = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [2.0, 20.0], [100.0, -900.0]])
"""Five rows, of which the last one is far from the others."""
EQUAL = np.full(5, 0.2)
