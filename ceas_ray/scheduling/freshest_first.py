"""Generates all the time, and uses the best pairs first."""

from __future__ import annotations

from dataclasses import dataclass

from ceas_ray.messages.payloads import StockPolicy
from ceas_ray.scheduling.perishable_chain import LinkClass


@dataclass(frozen=True)
class FreshestFirst:
    """Generates whenever a memory slot is free, and gives shots the freshest pairs: the best fidelity, and the most
    waste.
    """

    def stock_policy(self, link: LinkClass) -> StockPolicy:
        """See `Scheduler`."""
        return StockPolicy(gap_limit=link.slots, burst_limit=link.slots, demand_driven=False, freshest_first=True)
