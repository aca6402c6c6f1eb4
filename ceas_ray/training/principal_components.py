"""Principal components by a singular value decomposition, bit for bit those of scikit-learn's `PCA`.

They are computed here because scikit-learn takes longer to import than a short run takes to compute, and so that no
release of it changes a digest.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import svd

Floats = NDArray[np.float64]


class PrincipalComponents(NamedTuple):
    """The directions in which samples vary most. mean: shape (F,). directions: orthonormal rows, shape (components, F).

    singular_values: of the centred samples, shape (components,), the largest first.
    """

    mean: Floats
    directions: Floats
    singular_values: Floats

    @classmethod
    def of(cls, features: Floats, count: int) -> PrincipalComponents:
        """Return the first `count` components of features (samples, F).

        Of each direction the coordinate that is largest by magnitude is positive.
        """
        mean = np.mean(features, axis=0)
        _, singular_values, rows = svd(features - mean, full_matrices=False)
        largest = np.take_along_axis(rows, np.argmax(np.abs(rows), axis=1, keepdims=True), axis=1)
        rows *= np.sign(largest)
        return cls(mean, rows[:count].copy(order="K"), singular_values[:count])

    def __call__(self, features: Floats) -> Floats:
        """Return the coordinates of features (samples, F) along the directions, shape (samples, components)."""
        found: Floats = features @ self.directions.T
        found -= self.mean[None, :] @ self.directions.T
        return found
