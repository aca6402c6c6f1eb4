"""A loss: `training=hinge`."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Hinge:
    """max(0, margin - y z) of every output, squared: outputs on the right side of the margin cost nothing."""

    margin: float

    def __call__(self, values: Any, targets: Any) -> Any:
        return np.sum(np.maximum(0, self.margin - targets * values) ** 2, axis=1)

    def slope(self, values: Any, targets: Any) -> Any:
        return -2 * targets * np.maximum(0, self.margin - targets * values)
