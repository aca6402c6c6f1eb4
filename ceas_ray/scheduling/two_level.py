"""Two stock limits: a strong simple rule. Ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ceas_ray.kernel.ranges import Range, check_ranges
from ceas_ray.messages.payloads import StockPolicy
from ceas_ray.scheduling.perishable_chain import LinkClass


@dataclass(frozen=True)
class TwoLevel:
    """Keeps `gap_limit` pairs between bursts and at most `burst_limit` within one, but never more than the burst still
    needs.
    """

    gap_limit: Annotated[int, Range(0, 1_000_000)]
    burst_limit: Annotated[int, Range(1, 1_000_000)]

    def __post_init__(self) -> None:
        """Raise ValueError for limits out of range."""
        check_ranges(self)

    def stock_policy(self, link: LinkClass) -> StockPolicy:
        """See `Scheduler`."""
        return StockPolicy(
            gap_limit=min(self.gap_limit, link.slots), burst_limit=min(self.burst_limit, link.slots), demand_driven=True
        )
