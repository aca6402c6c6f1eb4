"""A loss that may be of the user's own, and whose returns are therefore checked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.policy_calls import called, read_only, real_numbers
from ceas_ray.quantum.loss import Loss

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CheckedLoss:
    """The loss `made`; raises PolicyError where it fails, or returns other than finite numbers of the right shape."""

    made: Loss

    def __call__(self, values: Floats, targets: Floats) -> Floats:
        """See `Loss`."""
        returned = called(self.made, "__call__", read_only(values), read_only(targets))
        return real_numbers(self.made, "__call__", returned, (len(values),))

    def slope(self, values: Floats, targets: Floats) -> Floats:
        """See `Loss`."""
        returned = called(self.made, "slope", read_only(values), read_only(targets))
        return real_numbers(self.made, "slope", returned, values.shape)
