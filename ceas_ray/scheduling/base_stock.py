"""A single stock limit, which holds at all times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ceas_ray.kernel.ranges import Range, check_ranges
from ceas_ray.messages.payloads import StockPolicy
from ceas_ray.scheduling.perishable_chain import LinkClass


@dataclass(frozen=True)
class BaseStock:
    """Keeps `limit` pairs in stock, in gaps and in bursts alike: a strong rule for a scheduler that does not know the
    phase.
    """

    limit: Annotated[int, Range(0, 1_000_000)]

    def __post_init__(self) -> None:
        """Raise ValueError for a limit out of range."""
        check_ranges(self)

    def stock_policy(self, link: LinkClass) -> StockPolicy:
        """See `Scheduler`."""
        limit = min(self.limit, link.slots)
        return StockPolicy(gap_limit=limit, burst_limit=limit, demand_driven=False)
