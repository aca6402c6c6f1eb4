"""Centered clipping (Karimireddy, He, Jaggi, ICML 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from ceas_ray.aggregation.column_shares import median_shares
from ceas_ray.aggregation.rule import Floats, check_rows
from ceas_ray.kernel.ranges import Range, check_ranges


@dataclass(frozen=True)
class CenteredClipping:
    """`steps` times: centre <- centre + mean of (row - centre), each shortened to `radius`.

    The paper starts from the last round's aggregate; a rule here has no memory. It starts from the coordinate-wise
    median (ours) or, as ByzFL on its first call, from zero (then it is not equivariant to translations). Without a
    radius it is the median of the rows' distances from the start (ours).
    """

    radius: Annotated[float, Range(0, 1e6, open_below=True)] | None
    steps: Annotated[int, Range(1, 1000)]
    start: Literal["median", "zero"]

    def __post_init__(self) -> None:
        if self.start not in ("median", "zero"):
            raise ValueError(f"start must be median or zero, got {self.start!r}")
        check_ranges(self)

    def __call__(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Rule`."""
        check_rows(updates, weights, faults)
        return self._clipped(updates)[0]

    def effective_weights(self, updates: Floats, weights: Floats, faults: int) -> Floats:
        """See `Weighing`: never zero, because every row pulls in each step; from zero on they sum to less than 1."""
        found = median_shares(updates) if self.start == "median" else np.zeros(len(updates))
        for shares in self._clipped(updates)[1]:
            found = (1 - float(np.sum(shares))) * found + shares
        return np.clip(found, 0.0, None)  # shares may sum to a rounding above 1

    def _clipped(self, updates: Floats) -> tuple[Floats, list[Floats]]:
        """Return the last centre (d,), and the share (n,) of each row's offset in each step."""
        steps: list[Floats] = []
        centre, radius = np.zeros(updates.shape[1]), self.radius
        if self.start == "median":
            ordered, rows = np.sort(updates, axis=0), len(updates)
            centre = (ordered[(rows - 1) // 2] + ordered[rows // 2]) / 2
        for _ in range(self.steps):
            offsets = updates - centre
            lengths = np.sqrt(np.einsum("kd,kd->k", offsets, offsets))
            if radius is None:
                radius = float(np.median(lengths))
            shares = np.minimum(1.0, radius / np.where(lengths > 0, lengths, 1.0)) / len(updates)
            centre = centre + shares @ offsets
            steps.append(shares)
        return centre, steps
