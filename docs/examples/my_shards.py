"""Shards: `training=few_for_many`."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from ceas_ray.kernel.ranges import Range


@dataclass(frozen=True)
class FewForMany:
    """The first processor has `share` of all samples, the others have equal parts of the rest."""

    share: Annotated[float, Range(0.01, 0.9)]

    def __call__(self, labels: Any, count: int, generator: Any) -> Any:
        order = generator.permutation(len(labels))
        first = int(self.share * len(labels))
        return [order[:first], *np.array_split(order[first:], count - 1)]
