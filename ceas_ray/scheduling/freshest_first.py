"""Always on, and the best pairs first."""

from __future__ import annotations

from dataclasses import dataclass

from ceas_ray.messages.payloads import StockPolicy
from ceas_ray.scheduling.perishable_chain import LinkClass


@dataclass(frozen=True)
class FreshestFirst:
    """Always generate while a memory slot is free; shots take the freshest pairs: best fidelity, most waste."""

    def stock_policy(self, link: LinkClass) -> StockPolicy:
        """See `Scheduler`."""
        return StockPolicy(gap_limit=link.slots, burst_limit=link.slots, demand_driven=False, freshest_first=True)
