"""An aggregation rule: `aggregation=mean_of_medians`."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from ceas_ray.kernel.ranges import Range


@dataclass(frozen=True)
class MeanOfMedians:
    """The mean of the coordinate-wise medians of some groups of rows."""

    groups: Annotated[int, Range(1, 1000)]

    def __call__(self, updates: Any, weights: Any, faults: int) -> Any:
        parts = np.array_split(updates, min(self.groups, len(updates)))
        return np.mean([np.median(part, axis=0) for part in parts], axis=0)
