"""Two stock limits: a strong simple rule. Ours."""

from __future__ import annotations

from dataclasses import dataclass

from ceas_ray.messages.payloads import StockPolicy
from ceas_ray.scheduling.perishable_chain import LinkClass


@dataclass(frozen=True)
class TwoLevel:
    """Keep `gap_limit` pairs between bursts and at most `burst_limit` within, never more than the burst still needs."""

    gap_limit: int
    burst_limit: int

    def __post_init__(self) -> None:
        """Raises ValueError for limits out of range."""
        if self.gap_limit < 0 or self.burst_limit < 1:
            raise ValueError(
                f"gap_limit must be >= 0 and burst_limit >= 1, got {self.gap_limit} and {self.burst_limit}"
            )

    def stock_policy(self, link: LinkClass) -> StockPolicy:
        """See `Scheduler`."""
        return StockPolicy(min(self.gap_limit, link.slots), min(self.burst_limit, link.slots), demand_driven=True)
